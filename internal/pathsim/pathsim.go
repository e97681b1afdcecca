// Package pathsim simulates two TCP hosts, a path between them, and a tap beside each.
//
//	client ──[client tap]── router ──[server tap]── server
//
// The router delays, loses, duplicates, delays some, injects and rewrites segments,
// and logs what it does: that is the truth that tests hold reports against. The hosts
// are simple: they acknowledge every segment, send a fixed window, and resend after
// three duplicate ACKs or a timeout that doubles.
package pathsim

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Config is one experiment.
type Config struct {
	Seed     uint64
	OneWay   time.Duration    // from tap to tap
	Back     time.Duration    // the same from server to client; 0 for OneWay
	Jitter   time.Duration    // at most, added to each
	Loss     float64          // share of all segments
	Drop     func(*Sent) bool // loses these as well
	Twice    float64          // share of segments that the path duplicates
	Late     float64          // share of segments that others overtake
	MissNear float64          // share of frames that a tap misses, for each tap
	Inject   time.Duration    // when a RST towards the client is injected; 0 for never

	NAT     bool   // the router translates the client's address and port
	Shift   uint32 // what the router adds to the client's sequence numbers
	MSS     uint16 // to what the router reduces the MSS of SYNs; 0 for not at all
	NoID    bool   // the hosts send no IP ID
	V6      bool
	NoStamp bool // no TCP timestamps

	Connections int // one after the other; default 1
	Exchanges   int // requests and answers of each connection; default 10
	Answer      uint32
	Think       time.Duration // before each answer

	Offset time.Duration // of the server tap's clock
	Skew   float64       // parts per million by which it runs faster
	StepAt time.Duration // when it steps, since the beginning; 0 for never
	Step   time.Duration
}

// Sent is one segment that a host sent, and what became of it.
type Sent struct {
	Seg        reassembly.Segment // as it left
	FromServer bool
	Lost       bool
	Near, Far  int // index of its frame at the tap nearer to its sender, and at the other; -1 for none
	Second     int // the second at the far tap, if it was duplicated; else -1
	N          int // among those of its host, from 0
}

// A Result is what was captured and what happened. Frames are in the order of the taps'
// clocks.
type Result struct {
	Taps     [2][]reassembly.Segment // client tap, server tap; Frame is set
	Log      []*Sent
	Injected int // index at the client tap; -1 for none
}

// Epoch is when a simulation begins.
var Epoch = time.Date(2026, 11, 21, 7, 42, 39, 0, time.UTC).UnixNano()

type sim struct {
	Config
	rng   *rand.Rand
	now   int64
	queue events
	n     int
	hosts [2]*host
	taps  [2][]seen
	log   []*Sent
	ids   [2]uint16
	last  [2]int64 // latest arrival of each direction
}

type seen struct {
	seg    reassembly.Segment
	sent   *Sent
	far    bool
	second bool
}

type event struct {
	at int64
	n  int
	do func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].n < q[j].n
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)   { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
}

func (s *sim) after(d time.Duration, do func()) {
	s.n++
	heap.Push(&s.queue, event{s.now + int64(d), s.n, do})
}

// Run runs an experiment.
func Run(c Config) *Result {
	if c.Back == 0 {
		c.Back = c.OneWay
	}
	c.Connections, c.Exchanges = max(c.Connections, 1), max(c.Exchanges, 1)
	if c.Answer == 0 {
		c.Answer = 20000
	}
	s := &sim{Config: c, rng: rand.New(rand.NewPCG(c.Seed, 7))}
	s.ids = [2]uint16{uint16(s.rng.Uint32()), uint16(s.rng.Uint32())}
	s.connect(0)
	for len(s.queue) > 0 {
		e := heap.Pop(&s.queue).(event)
		s.now = e.at
		e.do()
	}
	return s.result()
}

const hostToTap = 15 * time.Microsecond

func (s *sim) endpoints(n int) (client, server reassembly.Endpoint) {
	if s.V6 {
		return reassembly.EndpointFrom(netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), uint16(40000+n))),
			reassembly.EndpointFrom(netip.MustParseAddrPort("[2001:db8::2]:443"))
	}
	return reassembly.EndpointFrom(netip.AddrPortFrom(netip.MustParseAddr("10.0.0.1"), uint16(40000+n))),
		reassembly.EndpointFrom(netip.MustParseAddrPort("10.9.0.2:443"))
}

// send is a segment leaving a host: past its tap, the router, the other tap.
func (s *sim) send(h *host, seg reassembly.Segment) {
	from := 0
	if h.server {
		from = 1
	}
	if !s.NoID && !s.V6 {
		s.ids[from]++
		if s.ids[from] == 0 {
			s.ids[from]++
		}
		seg.IPID = s.ids[from]
	}
	seg.TTL = 64
	seg.Src, seg.Dst = h.own, h.peer.own
	if h.stamps {
		seg.Opts.Has |= reassembly.HasTimestamps
		seg.Opts.TSVal = uint32((s.now)/1e6) + h.stampBase
		seg.Opts.TSEcr = h.echo
	}
	x := &Sent{Seg: seg, FromServer: h.server, Near: -1, Far: -1, Second: -1, N: len(s.log)}
	s.log = append(s.log, x)
	s.after(hostToTap, func() {
		near := seg
		near.Link = uint32(1 + from)
		s.sight(from, s.translated(near, from, false), x, false, false)
		x.Lost = s.rng.Float64() < s.Loss || s.Drop != nil && s.Drop(x)
		if x.Lost {
			return
		}
		d := s.OneWay
		if h.server {
			d = s.Back
		}
		if s.Jitter > 0 {
			d += time.Duration(s.rng.Int64N(int64(s.Jitter)))
		}
		arrive := s.now + int64(d)
		if s.Late > 0 && s.rng.Float64() < s.Late {
			arrive += int64(2 * time.Millisecond)
		} else {
			arrive = max(arrive, s.last[from]+1000)
			s.last[from] = arrive
		}
		n := 1
		if s.Twice > 0 && s.rng.Float64() < s.Twice {
			n = 2
		}
		for k := range n {
			s.after(time.Duration(arrive-s.now)+time.Duration(k)*300*time.Microsecond, func() {
				far := seg
				far.TTL--
				far.Link = uint32(11 + from)
				s.sight(1-from, s.translated(far, from, true), x, true, k == 1)
				s.after(hostToTap, func() { h.peer.receive(&seg) })
			})
		}
	})
}

// translated is the segment as it is beside the client, or behind the router.
func (s *sim) translated(seg reassembly.Segment, from int, far bool) reassembly.Segment {
	behind := (from == 0) == far // at the server tap
	if behind && s.NAT {
		e := &seg.Src
		if from == 1 {
			e = &seg.Dst
		}
		if s.V6 {
			*e = reassembly.EndpointFrom(netip.AddrPortFrom(netip.MustParseAddr("2001:db8:9::9"), e.Port+1000))
		} else {
			*e = reassembly.EndpointFrom(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.9"), e.Port+1000))
		}
	}
	if behind {
		if from == 0 {
			seg.Seq += reassembly.Seq(s.Shift)
		} else if seg.Flags&reassembly.ACK != 0 {
			seg.Ack += reassembly.Seq(s.Shift)
		}
	}
	if far && s.MSS != 0 && seg.Opts.Has&reassembly.HasMSS != 0 {
		seg.Opts.MSS = min(seg.Opts.MSS, s.MSS)
	}
	return seg
}

func (s *sim) sight(tap int, seg reassembly.Segment, x *Sent, far, second bool) {
	if s.MissNear > 0 && s.rng.Float64() < s.MissNear {
		return
	}
	seg.At = s.clock(tap)
	s.taps[tap] = append(s.taps[tap], seen{seg, x, far, second})
}

// clock is the time that a tap's clock shows.
func (s *sim) clock(tap int) int64 {
	at := s.now
	if tap == 1 {
		at += int64(s.Skew*1e-6*float64(s.now)) + int64(s.Offset)
		if s.StepAt != 0 && s.now >= int64(s.StepAt) {
			at += int64(s.Step)
		}
	}
	return Epoch + at/1000*1000
}

func (s *sim) result() *Result {
	r := &Result{Log: s.log, Injected: -1}
	for tap := range s.taps {
		for i := range s.taps[tap] {
			at := &s.taps[tap][i]
			at.seg.Frame = uint32(i + 1)
			r.Taps[tap] = append(r.Taps[tap], at.seg)
			switch {
			case at.sent == nil:
				r.Injected = i
			case at.second:
				at.sent.Second = i
			case at.far:
				at.sent.Far = i
			default:
				at.sent.Near = i
			}
		}
	}
	return r
}
