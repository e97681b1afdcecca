package tracegen

// action is what an application does next.
type action uint8

const (
	connect action = iota
	request
	respond
	finish // close: a FIN after what is written
	abort  // close with a RST
	sendOn // of a planted fault
	repeatAck
)

// act does what an application does now.
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
	case sendOn:
		c.sendOn(now)
	case repeatAck:
		c.transmit(s, e.nxt, 0, ack, now)
	}
}

// schedule makes the application of an end act at a time.
func (e *end) schedule(a action, at int64) { e.app, e.appAt = a, at }

// request writes the client's next request.
func (c *conn) request(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	c.plan.requests--
	cl.limit += uint32(c.about(c.plan.request[0], c.plan.request[1]))
	sv.want = cl.limit
	c.output(client, now)
}

// respond writes the server's next response.
func (c *conn) respond(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	size := uint32(c.about(c.plan.response[0], c.plan.response[1]))
	last := c.plan.requests == 0
	if last && c.fault == hungClient {
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
		c.sendOn(now)
	}
}

// progress is called when the application of side s has received data.
func (c *conn) progress(s int, now int64) {
	e := &c.end[s]
	if e.rcvNxt >= e.want {
		e.want = notWanted
		if s == server {
			e.schedule(respond, now+int64(c.about(0.1e6, 30e6)))
		} else {
			c.answered(now)
		}
	}
	if e.finRcvd && !e.closing && e.app != finish && e.app != abort {
		e.schedule(finish, now+int64(c.about(0.02e6, 20e6)))
	}
	if e.finRcvd && c.fault == redundantAck && s == client {
		e.schedule(repeatAck, now+secondAck)
		c.provableAt = now + 2*secondAck
	}
}

// answered is called when the client has received the whole response.
func (c *conn) answered(now int64) {
	cl, sv := &c.end[client], &c.end[server]
	at := now + int64(c.plan.pause*c.rng.ExpFloat64()) + 1e6
	if c.plan.requests > 0 {
		cl.schedule(request, at)
		return
	}
	switch c.plan.close {
	case clientFirst:
		cl.schedule(finish, at)
	case serverIdle:
		sv.schedule(finish, at)
	case bothAtOnce:
		cl.schedule(finish, at)
		sv.schedule(finish, max(now, at+c.within(-c.link.far/2, c.link.far/2)))
	case clientAborts:
		cl.schedule(abort, now+c.within(10e3, 1e6))
	case serverAborts:
		sv.schedule(abort, at)
	}
}
