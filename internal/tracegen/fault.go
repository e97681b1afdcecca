package tracegen

// fault is what is planted in a connection.
type fault uint8

const (
	healthy fault = iota
	ghost
	finLost
	redundantAck
	faultKinds
)

// planted describes the findings that the faults must bring.
var planted = [faultKinds]struct {
	detector, outcome string
	culprit           int
}{
	ghost:        {"zero-window-probe-loop", "ghosted", client},
	finLost:      {"unretransmitted-fin", "peer-unaware", server},
	redundantAck: {"post-fin-ack-rst", "redundant-ack", client},
}

const (
	answeredProbes = 2 // before the hung client vanishes
	maxChats       = 9
	chatPause      = 1.5e9
	chatSize       = 200
	// secondAck is when the redundant ACK follows the ACK of the FIN.
	secondAck = 300e6
	// provable is how long after its last turn a fault is provable: over the
	// 6 s that an unanswered FIN has, and two probes further.
	provable = 9e9
)

// sabotage plants a fault in a connection that was just started: short,
// undisturbed, and ended by the fault.
func (c *conn) sabotage(f fault) {
	c.fault = f
	c.plan = web
	c.plan.turns = 2
	c.plan.pause = 200e6
	c.link.loss = 0
	c.link.far = min(c.link.far, 30e6)
	cl, sv := &c.end[client], &c.end[server]
	sv.closed, sv.aborted = false, false
	cl.readEvery = 0
	switch f {
	case ghost:
		cl.rcvBuf = 12 * uint32(cl.full)
	case finLost:
		c.plan.close = serverIdle
	case redundantAck:
		c.plan.close = clientFirst
	}
}

// vanish is a hung client that has answered its probes: the machine is gone.
func (c *conn) vanish(now int64) {
	if cl := &c.end[client]; !cl.gone && cl.probes == answeredProbes {
		cl.gone = true
		c.ripe = now + provable
	}
}

// chat is a client that goes on talking to a server whose FIN was lost.
func (c *conn) chat(now int64) {
	cl := &c.end[client]
	if c.chats == 0 {
		c.ripe = now + provable
	} else {
		cl.limit += chatSize
		c.output(client, now)
	}
	if c.chats++; c.chats <= maxChats {
		cl.soon(chat, now+chatPause)
	}
}

// truth is the finding that the fault must bring.
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
