package tracegen

// action is what an application does next.
type action uint8

const (
	connect action = iota
	request
	respond
	finish // close: a FIN behind what is written
	abort  // close with a RST
	chat   // the planted faults' own
	repeatAck
)

// act is an application's turn.
func (c *conn) act(s int, now int64) {
	e := &c.end[s]
	e.appAt = never
	switch e.app {
	case connect:
		c.open(s, now)
	case request:
		c.request(now)
	case respond:
		c.respond(now)
	case finish:
		c.finish(s, now)
	case abort:
		c.abort(s, now)
	case chat:
		c.chat(now)
	case repeatAck:
		c.transmit(s, e.nxt, 0, ack, now)
	}
}

// soon makes side s's application act at a time.
func (e *end) soon(a action, at int64) { e.app, e.appAt = a, at }

// request writes the client's next request.
func (c *conn) request(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	c.plan.turns--
	cl.limit += uint32(c.about(c.plan.request[0], c.plan.request[1]))
	sv.want = cl.limit
	c.output(client, now)
}

// respond writes the server's next response.
func (c *conn) respond(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	size := uint32(c.about(c.plan.response[0], c.plan.response[1]))
	last := c.plan.turns == 0
	if last && c.fault == ghost {
		size = 4 * cl.rcvBuf
		cl.readEvery = never
	}
	cl.want = sv.limit + size
	if last && c.plan.close == clientAborts {
		cl.want = sv.limit + size/3
	}
	sv.limit += size
	sv.closing = last && c.plan.close == serverFirst
	c.output(server, now)
}

// finish closes side s.
func (c *conn) finish(s int, now int64) {
	c.end[s].closing = true
	c.output(s, now)
	if c.fault == finLost {
		c.chat(now)
	}
}

// progress follows data that reached side s's application.
func (c *conn) progress(s int, now int64) {
	e := &c.end[s]
	if e.rcvNxt >= e.want {
		e.want = notWanted
		if s == server {
			e.soon(respond, now+int64(c.about(0.1e6, 30e6)))
		} else {
			c.answered(now)
		}
	}
	if e.finRcvd && !e.closing && e.app != finish && e.app != abort {
		e.soon(finish, now+int64(c.about(0.02e6, 20e6)))
	}
	if e.finRcvd && c.fault == redundantAck && s == client {
		e.soon(repeatAck, now+secondAck)
		c.ripe = now + 2*secondAck
	}
}

// answered is the client that has what it waited for.
func (c *conn) answered(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	at := now + int64(c.plan.pause*c.rng.ExpFloat64()) + 1e6
	if c.plan.turns > 0 {
		cl.soon(request, at)
		return
	}
	switch c.plan.close {
	case clientFirst:
		cl.soon(finish, at)
	case serverIdle:
		sv.soon(finish, at)
	case bothAtOnce:
		cl.soon(finish, at)
		sv.soon(finish, max(now, at+c.within(-c.link.far/2, c.link.far/2)))
	case clientAborts:
		cl.soon(abort, now+c.within(10e3, 1e6))
	case serverAborts:
		sv.soon(abort, at)
	}
}
