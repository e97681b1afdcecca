package tracegen

// fault is a kind of planted fault.
type fault uint8

const (
	healthy fault = iota
	hungClient
	finLost
	redundantAck
	faultKinds
)

// planted are the findings that the faults must give.
var planted = [faultKinds]struct {
	detector, outcome string
	culprit           int
}{
	hungClient:   {"zero-window-probe-loop", "ghosted", client},
	finLost:      {"unretransmitted-fin", "peer-unaware", server},
	redundantAck: {"post-fin-ack-rst", "redundant-ack", client},
}

const (
	answeredProbes = 2 // before the hung client disappears
	maxMessages    = 9
	messagePause   = 1.5e9
	messageSize    = 200
	// secondAck is when the redundant ACK follows the ACK of the FIN.
	secondAck = 300e6
	// provable is how long after its last event a fault can be proved: more than
	// the 6 s for an unanswered FIN, and two more probes.
	provable = 9e9
)

// plant plants a fault in a connection that was just started. It becomes short and
// without loss, and ends with the fault.
func (c *conn) plant(f fault) {
	c.fault = f
	c.plan = web
	c.plan.requests = 2
	c.plan.pause = 200e6
	c.link.loss = 0
	c.link.far = min(c.link.far, 30e6)
	cl, sv := &c.end[client], &c.end[server]
	sv.closed, sv.aborted = false, false
	cl.readEvery = 0
	switch f {
	case hungClient:
		cl.rcvBuf = 12 * uint32(cl.full)
	case finLost:
		c.plan.close = serverIdle
	case redundantAck:
		c.plan.close = clientFirst
	}
}

// vanish removes the hung client after it has answered some probes.
func (c *conn) vanish(now int64) {
	if cl := &c.end[client]; !cl.gone && cl.probes == answeredProbes {
		cl.gone = true
		c.provableAt = now + provable
	}
}

// sendOn lets a client keep sending to a server whose FIN was lost.
func (c *conn) sendOn(now int64) {
	cl := &c.end[client]
	if c.messages == 0 {
		c.provableAt = now + provable
	} else {
		cl.limit += messageSize
		c.output(client, now)
	}
	if c.messages++; c.messages <= maxMessages {
		cl.schedule(sendOn, now+messagePause)
	}
}

// truth is the finding that the fault must give.
func (c *conn) truth() Fault {
	p := &planted[c.fault]
	return Fault{
		Detector: p.detector,
		Outcome:  p.outcome,
		Client:   c.end[client].addrPort(),
		Server:   c.end[server].addrPort(),
		Culprit:  c.end[p.culprit].addrPort(),
	}
}
