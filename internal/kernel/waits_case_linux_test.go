package kernel

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// A waitCase is a connection whose waits are known: what its applications do, what limits
// its sockets, and the path.
type waitCase struct {
	kind       string
	seed       uint64
	exchanges  int
	up, down   content
	pause      []time.Duration // of the client, before each request
	think      []time.Duration // of the server, before each answer
	oneWay     time.Duration
	tapAt      float64 // how far from the client the tap in the middle is, 0 to 1
	rate       float64 // of the path to the client, in bytes a second; 0 = no limit
	queue      int     // before that, in bytes
	loss       float64 // share of packets to the client
	lossAt     int     // leg on which they are lost
	congestion string  // control: cubic, reno, bbr
	receive    int     // SO_RCVBUF; 0 = the kernel's choice
	send       int     // SO_SNDBUF
	top        []string
}

// A content is a request, or an answer.
type content struct {
	bytes  int
	chunk  int           // written at once; 0 = all
	gap    time.Duration // between two chunks
	reader float64       // bytes a second that are read; 0 = as they come
}

func (c *waitCase) String() string {
	return fmt.Sprintf("%s %d: %s, %v one way, rate %.0f, queue %d, loss %.3f on leg %d, SO_RCVBUF %d, SO_SNDBUF %d, %d times %+v, %+v, pause %v, think %v",
		c.kind, c.seed, c.congestion, c.oneWay, c.rate, c.queue, c.loss, c.lossAt, c.receive, c.send, c.exchanges, c.up, c.down, c.pause, c.think)
}

// waitKinds are the kinds of cases: what is random about each, and what everybody waits
// for longest.
var waitKinds = []struct {
	name string
	set  func(c *waitCase, r *rand.Rand)
	top  []string
}{
	{"think", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 4 + r.IntN(5)
		c.up.bytes, c.down.bytes = between(r, 100, 1400), between(r, 100, 12_000)
		for range c.exchanges {
			c.think = append(c.think, upTo(r, 800*time.Millisecond))
			c.pause = append(c.pause, upTo(r, 500*time.Millisecond))
		}
		c.think[0] = 800 * time.Millisecond
	}, []string{"server-app", "client-app"}},
	{"think a round trip", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 8 + r.IntN(8)
		c.up.bytes, c.down.bytes = between(r, 100, 1400), between(r, 100, 12_000)
		for range c.exchanges {
			c.think = append(c.think, time.Duration(float64(2*c.oneWay)*(0.6+0.8*r.Float64())))
			c.pause = append(c.pause, time.Duration(float64(2*c.oneWay)*(0.6+0.8*r.Float64())))
		}
	}, []string{"server-app", "client-app", "network"}},
	{"chatty", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 30 + r.IntN(40)
		c.up.bytes, c.down.bytes = between(r, 20, 1400), between(r, 20, 5000)
	}, []string{"network"}},
	{"drip", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 1
		c.up.bytes, c.down = between(r, 100, 1400), drip(c, r)
	}, []string{"server-app"}},
	{"drip a round trip", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 1
		c.up.bytes, c.down = between(r, 100, 1400), drip(c, r)
		c.down.gap = time.Duration(float64(2*c.oneWay) * (0.9 + 0.5*r.Float64()))
	}, nil},
	{"upload in pieces", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 1
		c.up, c.down.bytes = drip(c, r), between(r, 100, 1400)
	}, []string{"client-app"}},
	{"small receive buffer", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.receive, c.oneWay = 1, between(r, 4_000, 16_000), time.Duration(between(r, 10, 40))*time.Millisecond
		c.up.bytes, c.down.bytes = 100, int(float64(c.receive)/(2*c.oneWay.Seconds())*float64(between(r, 2, 5)))
	}, []string{"receiver-window"}},
	{"slow reader", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.receive = 1, between(r, 16_000, 64_000)
		c.up.bytes, c.down.reader = 100, float64(between(r, 50_000, 300_000))
		c.down.bytes = int(c.down.reader * float64(between(r, 3, 6)))
	}, []string{"receiver-window"}},
	{"small send buffer", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.send, c.oneWay = 1, between(r, 5_000, 16_000), time.Duration(between(r, 10, 40))*time.Millisecond
		c.up.bytes, c.down.bytes = 100, int(float64(c.send)/(2*c.oneWay.Seconds())*float64(between(r, 2, 4)))
	}, []string{"sender-window"}},
	{"nothing in the way", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 1
		c.up.bytes, c.down.bytes = 100, between(r, 500_000, 3_000_000)
	}, []string{"sender-window", "network", "receiver-window"}},
	{"upload", func(c *waitCase, r *rand.Rand) {
		c.exchanges = 1
		c.up.bytes, c.down.bytes = between(r, 500_000, 3_000_000), 100
	}, []string{"sender-window", "network", "receiver-window"}},
	{"loss", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.loss, c.lossAt = 1, 0.005+0.02*r.Float64(), r.IntN(2)
		c.up.bytes, c.down.bytes = 100, between(r, 300_000, 800_000)
	}, []string{"loss", "sender-window", "receiver-window"}},
	{"bottleneck", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.rate, c.queue = 1, float64(between(r, 200_000, 800_000)), between(r, 20_000, 60_000)
		c.up.bytes, c.down.bytes = 100, int(c.rate*float64(between(r, 2, 5)))
	}, []string{"sender-window"}},
	{"deep queue", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.rate, c.queue = 1, float64(between(r, 200_000, 800_000)), between(r, 200_000, 1_000_000)
		c.up.bytes, c.down.bytes = 100, int(c.rate*float64(between(r, 2, 5)))
	}, []string{"sender-window"}},
	{"think and small receive buffer", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.receive = between(r, 2, 4), between(r, 8_000, 16_000)
		c.up.bytes, c.down.bytes = between(r, 100, 1400), between(r, 40_000, 120_000)
		for range c.exchanges {
			c.think = append(c.think, upTo(r, 900*time.Millisecond))
			c.pause = append(c.pause, upTo(r, 400*time.Millisecond))
		}
	}, nil},
	{"think and loss", func(c *waitCase, r *rand.Rand) {
		c.exchanges, c.loss, c.lossAt = between(r, 3, 6), 0.005+0.02*r.Float64(), r.IntN(2)
		c.up.bytes, c.down.bytes = between(r, 100, 1400), between(r, 5_000, 100_000)
		for range c.exchanges {
			c.think = append(c.think, upTo(r, 900*time.Millisecond))
			c.pause = append(c.pause, upTo(r, 400*time.Millisecond))
		}
	}, nil},
}

// newWaitCase is a random case. Its number determines it, and its kind.
func newWaitCase(seed uint64) *waitCase {
	r := rand.New(rand.NewPCG(seed, 16))
	k := &waitKinds[seed%uint64(len(waitKinds))]
	c := &waitCase{kind: k.name, seed: seed, top: k.top}
	c.oneWay = time.Duration(between(r, 2, 50)) * time.Millisecond
	c.tapAt = 0.1 + 0.8*r.Float64()
	c.congestion = []string{"cubic", "reno", "bbr"}[r.IntN(3)]
	k.set(c, r)
	return c
}

func between(r *rand.Rand, low, high int) int { return low + r.IntN(high-low+1) }

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// drip is what an application sends piece by piece, each within the initial window.
func drip(c *waitCase, r *rand.Rand) content {
	chunk := between(r, 100, 12_000)
	if chunk%segment > segment*9/10 { // no account can tell that it is the end of what there is
		chunk -= segment / 5
	}
	return content{bytes: chunk * between(r, 8, 20), chunk: chunk,
		gap: max(2*c.oneWay+30*time.Millisecond, 60*time.Millisecond) + upTo(r, 300*time.Millisecond)}
}

// segment is the payload of a full one: Ethernet's MTU, less headers and timestamps.
const segment = 1448

// legs are the path.
func (c *waitCase) legs() (legs [2][2]leg) {
	near := time.Duration(float64(c.oneWay) * c.tapAt)
	legs[0] = [2]leg{{delay: near}, {delay: c.oneWay - near}}
	legs[1] = [2]leg{{delay: c.oneWay - near}, {delay: near}}
	legs[1][c.lossAt].loss = c.loss
	legs[1][c.seed/2%2].rate, legs[1][c.seed/2%2].queue = c.rate, c.queue
	return legs
}
