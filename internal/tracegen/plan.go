package tracegen

// A plan is what the two applications do with a connection.
type plan struct {
	requests int        // requests left, each with its response
	request  [2]float64 // range of sizes, bytes
	response [2]float64
	warmup   int64   // before the first request, nanoseconds
	pause    float64 // mean time between a response and the next request, nanoseconds
	close    closing
}

// closing is the way a connection ends.
type closing uint8

const (
	clientFirst closing = iota
	serverFirst         // immediately after its last response
	serverIdle          // after a pause
	bothAtOnce
	clientAborts // in the middle of a response
	serverAborts // after a pause
	refused
	unanswered
)

// A share is an item and its weight in a draw.
type share[T any] struct {
	weight int
	item   T
}

// draw picks an item by weight.
func draw[T any](c *conn, of []share[T]) T {
	total := 0
	for _, s := range of {
		total += s.weight
	}
	n := c.rng.IntN(total)
	for _, s := range of {
		if n -= s.weight; n < 0 {
			return s.item
		}
	}
	panic("unreachable: n is less than the sum of the weights")
}

// The mixes, in percent or per mille: mostly web pages, some dialogues (shells,
// databases, message queues) and transfers in both directions.
var (
	web      = plan{requests: 3, request: [2]float64{150, 1500}, response: [2]float64{200, 60e3}}
	dialogue = plan{requests: 40, request: [2]float64{20, 400}, response: [2]float64{20, 1400}}
	download = plan{requests: 1, request: [2]float64{150, 600}, response: [2]float64{200e3, 2e6}}
	page     = plan{requests: 1, request: [2]float64{150, 1500}, response: [2]float64{200, 6e3}}
	upload   = plan{requests: 1, request: [2]float64{200e3, 2e6}, response: [2]float64{150, 600}}

	pages    = []share[plan]{{1, page}}
	plans    = []share[plan]{{70, web}, {23, dialogue}, {5, download}, {2, upload}}
	closings = []share[closing]{
		{400, clientFirst}, {300, serverFirst}, {200, serverIdle}, {40, bothAtOnce},
		{25, clientAborts}, {20, serverAborts}, {10, refused}, {5, unanswered},
	}
	stacks = []share[*stack]{{50, &linux}, {35, &windows}, {15, &darwin}}
	ports  = []share[uint16]{{60, 443}, {25, 80}, {10, 8080}, {5, 8443}}
	// MSS of Ethernet, PPPoE and a tunnel.
	sizes = []share[uint16]{{85, 1460}, {10, 1452}, {5, 1400}}
	// Receive buffers.
	buffers = []share[uint32]{{50, 64 << 10}, {30, 128 << 10}, {20, 256 << 10}}
)

// start prepares the n-th connection, which opens at a time.
func (c *conn) start(n int64, v6 bool, of []share[plan], p pace, at int64) {
	for s := range c.end {
		c.end[s].reset()
		c.path[s].clear()
	}
	c.plan = draw(c, of)
	c.plan.requests = 1 + c.rng.IntN(c.plan.requests)
	c.plan.close = draw(c, closings)
	c.plan.pause = p.lifetime * min(c.rng.ExpFloat64(), 4) / float64(c.plan.requests)
	c.seen, c.fault, c.messages, c.provableAt = false, healthy, 0, never
	c.drawLink()
	c.drawEnds(n, v6)
	if c.plan.close == refused || c.plan.close == unanswered {
		e := &c.end[server]
		e.shut()
		e.aborted = c.plan.close == refused
	}
	c.end[client].schedule(connect, at)
}

// drawLink draws round-trip times from 0.2 to 200 ms. One connection in five loses
// segments.
func (c *conn) drawLink() {
	c.link = link{
		far:     int64(c.about(0.1e6, 100e6)),
		near:    c.within(10e3, 30e3),
		perByte: c.about(1, 160), // 8 Gb/s to 50 Mb/s
	}
	if c.rng.IntN(5) == 0 {
		c.link.loss = c.about(0.003, 0.05)
	}
}

// drawEnds draws the two hosts and their stacks.
func (c *conn) drawEnds(n int64, v6 bool) {
	cl, sv := &c.end[client], &c.end[server]
	cl.stack, sv.stack = draw(c, stacks), &linux
	if !cl.stack.ts {
		sv.stack = &linuxPlain
	}
	mss := draw(c, sizes)
	if v6 {
		mss -= 20
	}
	cl.host = clientHost(n, v6, cl.stack.ttl-uint8(4+c.rng.IntN(16)))
	sv.host = serverHost(uint16(c.rng.IntN(serverHosts)), v6, draw(c, ports))
	for s := range c.end {
		e := &c.end[s]
		e.iss, e.tsBase, e.ipid = c.rng.Uint32(), c.rng.Uint32(), uint16(c.rng.Uint32())
		e.mss, e.full = mss, mss
		if e.ts = cl.stack.ts; e.ts {
			e.full -= 12
		}
		e.scale = e.stack.scale
		e.rcvBuf = draw(c, buffers)
	}
	// A slow reader without loss: its window closes, and opens again before it is
	// probed.
	if c.rng.IntN(40) == 0 {
		c.link.loss = 0
		cl.rcvBuf = 16 * uint32(cl.full)
		cl.readEvery = c.within(20e6, 150e6)
	}
}
