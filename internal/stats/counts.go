package stats

import (
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Counts are connections of a whole trace, by what they show of the capture that
// they are in. All notes and some findings depend on them.
type Counts struct {
	Known        bool // all connections were counted
	Flows        uint64
	Segments     uint64
	Duplicates   uint64 // frames captured more than once
	OneSided     uint64
	Lossy        uint64 // with holes
	ACKsFiltered uint64 // without their pure ACKs
	OptionsCut   uint64 // by the snap length
	Oversize     uint64 // with segments larger than the receiver's MSS
	Oversized    Sender // the first that sends such segments
	FINs         [2]FINs
	LoneSYNs     uint64 // connections of one SYN and nothing else
	RepeatedSYNs uint64 // connections of several SYNs and nothing else
	BothSides    uint64 // connections both of whose sides were captured
	PureACKs     uint64
	Talks        uint64 // connections whose sides both sent payload
	Talked       uint64 // their segments, pure ACKs left out
	Asked        uint64 // connections with a SYN-ACK and payload of the client
	Mute         uint64 // those of which nothing else of the server was captured
	Handshakes   uint64 // whose SYN and SYN-ACK were captured
	Halves       uint64 // of which one was, and the other was sent, as it shows
	Instant      uint64 // whose server, at a public address beyond InstantRouters, answered the SYN within MaxInstant
	Answers      Answers
	Hosts        Hosts // none where nothing rests on them
	Holes        Holes
	Delays       Delays
	FTP          FTP
	Scans        Scans // none where few were refused
}

// A Sender is one end of the connection whose first segment has that position.
type Sender struct {
	Position uint64 // 0: there is none
	Host     reassembly.Endpoint
}

// FINs are those of one rank, the first of each connection or the second, that were
// acknowledged or whose acknowledgment was due.
type FINs struct{ Sent, Acked uint64 }

// Add adds the counts of other connections of the trace.
func (c *Counts) Add(d *Counts) {
	c.Flows += d.Flows
	c.Segments += d.Segments
	c.Duplicates += d.Duplicates
	c.OneSided += d.OneSided
	c.Lossy += d.Lossy
	c.ACKsFiltered += d.ACKsFiltered
	c.OptionsCut += d.OptionsCut
	c.Oversize += d.Oversize
	c.AddOversized(d.Oversized)
	for rank := range c.FINs {
		c.FINs[rank].Sent += d.FINs[rank].Sent
		c.FINs[rank].Acked += d.FINs[rank].Acked
	}
	c.LoneSYNs += d.LoneSYNs
	c.RepeatedSYNs += d.RepeatedSYNs
	c.BothSides += d.BothSides
	c.PureACKs += d.PureACKs
	c.Talks += d.Talks
	c.Talked += d.Talked
	c.Asked += d.Asked
	c.Mute += d.Mute
	c.Handshakes += d.Handshakes
	c.Halves += d.Halves
	c.Instant += d.Instant
	c.Answers.Add(&d.Answers)
	c.Hosts.Add(&d.Hosts)
	c.Holes.Add(&d.Holes)
	c.Delays.Add(d.Delays)
	c.FTP.Add(&d.FTP)
	c.Scans.Add(&d.Scans)
}

// AddOversized keeps the first sender of oversize segments.
func (c *Counts) AddOversized(s Sender) {
	if s.Position != 0 && (c.Oversized.Position == 0 || s.Position < c.Oversized.Position) {
		c.Oversized = s
	}
}

// A peer that is up acknowledges a FIN, and again whenever it is repeated: in a capture
// that holds what its hosts sent, more than ackedShare of them are acknowledged. hidesBelow
// is how unlikely it must be that as few are as there were.
const (
	ackedShare = 0.75
	hidesBelow = 0.001
)

// HidesACKs reports whether too few FINs of that rank are acknowledged for chance: captures
// from a phone's VPN leave out most such ACKs. It takes five FINs at least.
func (c *Counts) HidesACKs(rank int) bool {
	f := &c.FINs[rank]
	return atMost(f.Acked, f.Sent, ackedShare) < hidesBelow
}

// leastLast is how many second FINs show something about the capture if none is acknowledged: one may be chance.
const leastLast = 2

// HidesLastACKs reports whether no second FIN is acknowledged. Its receiver has just closed, is up, and the ACK of its own FIN
// came through: that the last ACK is absent from each connection is rather the capture's doing, as of a phone's VPN program, which is
// done with a connection once it has sent its FIN.
func (c *Counts) HidesLastACKs() bool { return c.FINs[1].Acked == 0 && c.FINs[1].Sent >= leastLast }

// How many connections and segments a trace has at least in which pure ACKs must be: each
// handshake ends with one, and where one side says more at a time, so does each second
// segment (RFC 1122 4.2.3.2).
const (
	leastTalks  = 2
	leastTalked = 30
)

// NoPureACKs reports whether the trace leaves out all pure ACKs: there is none, though there
// ought to be many.
func (c *Counts) NoPureACKs() bool {
	return c.PureACKs == 0 && c.Talks >= leastTalks && c.Talked >= leastTalked
}

// When a trace holds no more than pieces of its connections: so many at least acknowledge what it does not
// hold, and half of all; or it has so many connections, of fewer segments each than a handshake takes, one
// in four of them without one side. And of so many FINs, fewer are acknowledged than ackedShare.
const (
	leastLossy  = 5
	leastPieces = 10
	wholeAtMost = 3
	leastFINs   = 5
)

// Fragments reports whether the trace is a sample of frames, or lost most of them: what it does not hold
// of a connection says nothing.
func (c *Counts) Fragments() bool {
	sent, acked := c.FINs[0].Sent+c.FINs[1].Sent, c.FINs[0].Acked+c.FINs[1].Acked
	if sent < leastFINs || float64(acked) >= ackedShare*float64(sent) {
		return false
	}
	lone := c.LoneSYNs + c.RepeatedSYNs
	pieces, segments := c.Flows-lone, c.Segments-min(c.Segments, c.LoneSYNs+2*c.RepeatedSYNs)
	return c.Lossy >= leastLossy && 2*c.Lossy >= c.Flows ||
		pieces >= leastPieces && segments < wholeAtMost*pieces && 4*(c.OneSided-min(c.OneSided, lone)) >= pieces
}

// HalfHandshakes reports whether the trace lacks so much that nothing is known to be absent: of so many handshakes it has only one of the
// first two segments, and of one in four. Connections that began before it show none of theirs.
func (c *Counts) HalfHandshakes() bool { return c.Halves >= enough && 3*c.Halves >= c.Handshakes }

// atMost is how likely k or fewer of n are acknowledged if each is with probability p: the
// binomial distribution, or 1 where k is no less than expected.
func atMost(k, n uint64, p float64) float64 {
	if float64(k) >= p*float64(n) {
		return 1
	}
	logFactorial := func(n uint64) float64 { l, _ := math.Lgamma(float64(n) + 1); return l }
	term := math.Exp(logFactorial(n) - logFactorial(k) - logFactorial(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	for i := k; i > 0 && term > sum*1e-9; i-- { // each is smaller than the one before
		term *= float64(i) / float64(n-i+1) * (1 - p) / p
		sum += term
	}
	return sum
}

// enough is how many lone SYNs a trace must have before it can be said to leave out
// their answers.
const enough = 5

// OnlySYNs reports whether the trace leaves out whatever answers a SYN. Then it holds one side
// of each connection at most, as where a filter lets nothing but SYNs pass or one direction is captured,
// and most SYNs were not repeated, as unanswered ones are.
func (c *Counts) OnlySYNs() bool {
	return c.BothSides == 0 && c.LoneSYNs >= enough && c.LoneSYNs >= c.RepeatedSYNs
}

// OneWay reports whether the trace has one direction of every connection, and of some it shows
// that the other side spoke: it acknowledges what was not captured.
func (c *Counts) OneWay() bool { return c.BothSides == 0 && c.OneSided > 0 }

// OnlySYNACKs reports whether the trace leaves out what servers send after their SYN-ACKs: of nine in ten connections whose client
// sent payload, nothing else of the server was captured, not even an ACK.
func (c *Counts) OnlySYNACKs() bool { return c.Mute >= enough && 10*c.Mute >= 9*c.Asked }
