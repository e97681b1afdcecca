package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A resetCase is a RST, what was known of its connection when it came, and what came
// since. Its sender is the side in whose name it came. Rows and outcomes read these facts
// and what follows from them, nothing else.
type resetCase struct {
	rst          reassembly.Mark
	sender, peer end             // as they were before the RST
	side         reassembly.Side // the sender's
	states       [2]fsm.State    // by side, before the RST

	client      reassembly.Side // valid if clientKnown
	clientKnown bool
	multipath   bool // see detectors.Multipath
	challenging bool // the peer's last segment is a challenge ACK
	inWindow    bool // it lies inside the window, out of place: acceptable because the connection ended with it

	device    fsm.Device
	twoMACs   bool // what continues after it came from another device
	otherMAC  bool // it came from another device of the link than all that the sender had sent before
	madeOf    bool // it has the IP ID of the peer's last segment, which it was made of; see madeFrom
	unsent    bool // the sender's last segment acknowledges what its peer has never sent; see misacked
	peerSpoke bool // the peer has sent something since
	peerSent  bool // not only RSTs: where the RST arrived first, the peer did not accept it
	revived   bool // something came in the sender's name since
	onItsWay  bool // payload of the peer was on its way when the RST came
	survived  bool // the peer has sent something after that: the RST did not end the connection
	synAgain  bool // the peer has sent its SYN again since

	mss          uint32 // Eff.snd.MSS
	missing      uint32 // bytes of the sender's payload that are still not acknowledged
	rtt          time.Duration
	handshakeRTT time.Duration // the sender's
	peerRTT      time.Duration // the peer's: of the handshake or of data, whichever took longer
	first        int64         // fsm.View.First: of a connection whose SYN was captured, the first SYN
	idleBefore   time.Duration // fsm.View.Idle: before the last segment
	sentFor      time.Duration // fsm.Recent.Timed: how long the peer's data has been in flight
	minIdle      time.Duration // the least silence that a middlebox may not survive
	leastRTT     time.Duration // in less, the sender can't answer
	silences     silences      // before the RST
	recent       uint64        // the peer's payload in the last second or two, in bytes
	retries      int           // the sender's, in a row
	tries        int           // the peer's
	resets       [2]int        // RSTs of each side since, this one included
	later        uint32        // payload of the peer that came between these RSTs of the sender
	more         int           // RSTs of the sender right behind this one: before the peer sent anything else

	*aftermath // to be written with note only
}

// An end is what was known of one side when the RST came, in the words of fsm.View.
type end struct {
	name       reassembly.Endpoint
	phase      fsm.Phase
	scale      uint8 // of its windows
	scaleKnown bool
	queued     bool // its last payload filled a segment or the window, with more behind it
	synSeen    bool
	noMSS      bool // its SYN has none
	probe      bool // last is a keep-alive or a window probe
	relayed    bool // its ACKs come so much sooner than its answer to the SYN that something else seems to send them
	stream     reassembly.Stream
	last       reassembly.Mark // its last segment before the RST; At is 0 if there was none
	fin        fsm.FIN         // valid if finSent
	bytes      uint64
	packets    uint64 // the RST included
	window     fsm.Window
	srtt       time.Duration
	habits     fsm.Habits
}

// misacked notes that the sender, which had sent the SYN, did not acknowledge the SYN-ACK, but
// something that its peer had never sent (RFC 9293 3.10.7.4: SYN-RECEIVED, not acceptable).
// The RST comes after that, and does not answer the SYN-ACK. out is its last segment out of window.
func (c *resetCase) misacked(out *reassembly.Mark) {
	answered := c.states[c.side] == fsm.SynSent && c.sender.synSeen && c.peer.last.Flags.Has(reassembly.SYN|reassembly.ACK)
	isACK := out.At != 0 && out.At >= c.peer.last.At && out.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.ACK
	if answered && isACK && out.Ack != c.peer.last.End() {
		c.sender.last, c.unsent = *out, true
	}
}

// A burst is RSTs of one side, one right behind the other.
type burst struct {
	first reassembly.Mark
	n     int
}

// add adds a RST of the side.
func (v *burst) add(rst *reassembly.Mark) {
	if v.n++; v.n == 1 {
		v.first = *rst
	}
}

// newCase takes the facts at the time of the RST.
func newCase(ev fsm.Event, r *detectors.Report) *resetCase {
	was := before{states: r.Before, side: ev.Side, challenging: ev.N != 0, device: fsm.DeviceOf(ev.Seg)}
	if ev.Was != nil {
		was.last = *ev.Was
	}
	return caseOf(reassembly.MarkOf(ev.Seg), &was, r)
}

// caseOf takes the facts of a RST: its connection has had no segment since.
func caseOf(rst reassembly.Mark, was *before, r *detectors.Report) *resetCase {
	v, side, peer := r.Conn, was.side, was.side.Peer()
	c := cases.Take()
	*c = resetCase{
		rst: rst, side: side, states: was.states, peer: endOf(v, peer, v.Last(peer)), sender: endOf(v, side, was.last),
		rtt: v.RTT(), handshakeRTT: v.HandshakeRTT(side), peerRTT: max(v.HandshakeRTT(peer), v.SRTT(side)),
		first: v.First(), idleBefore: v.Idle(), minIdle: time.Duration(r.Nanos("min-idle")) - middlebox.Jitter,
		mss: v.EffSndMSS(), retries: v.Retries(side), tries: v.Retries(peer), challenging: was.challenging,
		device:    was.device,
		aftermath: &noAftermath,
	}
	recent := v.Recent(peer, rst.At)
	c.recent, c.sentFor, c.leastRTT = recent.Bytes, recent.Timed, max(min(c.handshakeRTT, recent.Least)-minSooner, 0)
	if synAck := &c.peer.last; c.peerRTT == 0 && c.peer.packets == 1 && synAck.Flags.Has(reassembly.SYN|reassembly.ACK) && c.first != 0 {
		c.peerRTT = time.Duration(synAck.At - c.first) // which of several SYNs it answers is not known: no longer than since the first
	}
	c.otherMAC = c.sender.habits.Device.Differs(was.device)
	c.missing = c.sender.unacked(nil)
	c.peer.probe = c.peer.probe && !c.behindFIN()
	c.client, c.clientKnown = v.Opener()
	c.multipath = detectors.Multipath(v)
	return c
}

func endOf(v fsm.View, side reassembly.Side, last reassembly.Mark) end {
	e := end{
		name: v.Endpoint(side), last: last, stream: v.Stream(side), phase: v.Phase(side),
		bytes: v.Bytes(side), packets: v.Packets(side), window: v.Window(side), queued: v.Unpushed(side),
		probe: last.At != 0 && detectors.IsProbe(v, side, &last), srtt: v.SRTT(side),
	}
	e.fin, _ = v.FIN(side)
	e.scale, e.scaleKnown = v.WindowScale(side)
	var syn fsm.SYNOptions
	syn, e.synSeen = v.SYNOptions(side)
	e.noMSS = e.synSeen && syn.Has.LacksMSS()
	e.habits = v.IPHabits(side)
	e.habits.Copied = false // a frame that is captured again brings no event
	opener, known := v.Opener()
	e.relayed = known && side != opener && v.Relayed(side) > 0 && v.HandshakeRTT(side) > 0 && !e.habits.CopiesID // else it is late with the ACK, an answer was lost, or the SYN-ACK was not its own
	return e
}

// confirm looks whether the RST answers a challenge ACK (RFC 5961 3.2). challenged is the
// last RST of its sender that the peer had to ignore or challenge.
func (c *resetCase) confirm(challenged *reassembly.Mark) {
	if challenged.At != 0 && c.challenging && c.answers() && challenged.At <= c.peer.last.At && c.prompt(challenged, &c.peer.last) {
		c.note().confirms = *challenged
	}
}

// endedBy notes a socket's RST, with ACK, at a number that it had used before: its peer had to ignore it, and the sender sent nothing
// else after it. To the sender, the connection had ended, and this RST is what its host sends without a socket.
func (c *resetCase) endedBy(ignored *reassembly.Mark) {
	own, out := &c.sender.last, &c.sender.stream
	overtaken := own.At-ignored.At <= int64(overtaking) && own.End().AtOrBefore(ignored.Seq) // sent before it
	if ignored.At != 0 && ignored.Flags.Has(reassembly.ACK) && c.bare() && own.At != 0 && (own.At <= ignored.At || overtaken) &&
		out.ISS.Before(ignored.Seq) && ignored.Seq.AtOrBefore(out.Nxt) &&
		!(fsm.Habits{}).OtherTTL(own, ignored) && !(fsm.Habits{}).OtherTTL(own, &c.rst) {
		c.note().ended = *ignored
	}
}

// follows notes the RSTs of the sender before this one that its peer had to ignore. A host
// whose socket is gone answers what was in flight piece by piece, each with the number that
// the piece acknowledges, and only the last of these is still acceptable.
func (c *resetCase) follows(v *burst) {
	first := &v.first
	if v.n > 0 && c.sender.finSent() && c.bare() && !first.Flags.Has(reassembly.ACK) && c.prompt(first, &c.rst) &&
		first.Seq.Before(c.rst.Seq) && c.sender.stream.ISS.Before(first.Seq) && first.TTL == c.rst.TTL {
		c.note().before = *v
	}
}

// follow notes what a later segment says about the RST. changed reports whether there
// is more to report.
func (c *resetCase) follow(ev fsm.Event, v fsm.View) (changed bool) {
	open := c.provesOpen(ev, v)
	return c.take(ev, v) || open
}

// take is follow, but for what a segment proves that another may not.
func (c *resetCase) take(ev fsm.Event, v fsm.View) (changed bool) {
	bySender := ev.Side == c.side
	c.peerSent = c.peerSent || !bySender && ev.Class != fsm.Rst
	switch c.peerSpoke = c.peerSpoke || !bySender; {
	case bySender && c.revived && c.continued.At == 0 && provesLife(ev, v) && !c.overtook(ev.Seg):
		c.note().continued = reassembly.MarkOf(ev.Seg)
		c.twoMACs = c.device.Differs(fsm.DeviceOf(ev.Seg))
		return true
	case ev.Class == fsm.Rst:
		c.resets[ev.Side]++
		if bySender {
			now := end{stream: v.Stream(c.side.Peer()), phase: v.Phase(c.side.Peer())}
			now.fin, _ = v.FIN(c.side.Peer())
			c.later = now.wrote() - c.peer.wrote()
		}
		if rst := reassembly.MarkOf(ev.Seg); bySender && (fsm.Habits{}).OtherTTL(&c.rst, &rst) && !fsm.SameHops(c.rst.TTL, rst.TTL) {
			c.note().otherRSTs.add(&rst)
		}
		arrived := !bySender && c.acknowledges(ev.Seg, v)
		if again := ev.Seg.Frame == c.rst.Frame && ev.Seg.File == c.rst.File; !c.peerSpoke && !again {
			if c.more++; c.more == 1 && bySender && ev.Seg.TTL == c.rst.TTL {
				c.note().twin = reassembly.MarkOf(ev.Seg)
			}
		}
		if bySender && c.passesSYN(ev.Seg) {
			c.note().beyondSYN = reassembly.MarkOf(ev.Seg)
			return true
		}
		if bySender && c.guesses(ev.Seg) {
			c.note().guess = reassembly.MarkOf(ev.Seg)
			return true
		}
		if bySender && c.meets(ev.Seg) {
			c.note().met = reassembly.MarkOf(ev.Seg)
			return true
		}
		return arrived
	case bySender && !c.revived && !c.sender.finSent() && ev.Seg.Flags.Has(reassembly.FIN) && ev.Seg.FINSeq() == c.rst.Seq: // the RST overtook it
		c.sender.phase, c.sender.fin.Seq = v.Phase(c.side), c.rst.Seq
		return c.sender.finSent()
	case bySender && c.repeatsSYNACK(ev.Seg):
		c.note().synAckAgain = reassembly.MarkOf(ev.Seg)
		return true
	case bySender:
	case ev.Class == fsm.Syn:
		c.synAgain = true
	case ev.Class != fsm.OutOfWindow && c.continued.At != 0 && !c.survived:
		c.survived = true
		return true
	case !c.onItsWay && ev.Class == fsm.NewData && ev.Seg.Len > 0 && time.Duration(ev.Seg.At-c.rst.At) < c.rtt:
		c.onItsWay = true
		c.acknowledges(ev.Seg, v)
		return true
	default:
		return c.acknowledges(ev.Seg, v)
	}
	return false
}

// acknowledges notes whether the peer's segment acknowledges data that was in flight: the RST does not undo that it
// arrived. A RST may do so, too.
func (c *resetCase) acknowledges(seg *reassembly.Segment, v fsm.View) bool {
	if c.missing == 0 {
		return false
	}
	sender, by := endOf(v, c.side, c.sender.last), reassembly.MarkOf(seg)
	missing := sender.unacked(&by)
	if missing >= c.missing {
		return false
	}
	c.missing, c.note().arrived = missing, by
	return true
}

// letGo reports whether the peer's segment may be what an ACK right before the RST let go:
// it comes within two round trips of that, as round trips vary.
func (c *resetCase) letGo(seg *reassembly.Segment) bool {
	ack := c.sender.last.At
	return seg.Len > 0 && ack != 0 && c.peer.last.Len > 0 && time.Duration(c.rst.At-ack) < c.rtt && time.Duration(seg.At-ack) < 2*c.rtt
}

// guesses reports whether the RST, one right behind this one and with ACK only if this has it, lies where the
// sender has never been, and which its peer has never acknowledged. An injector sends such in case that more
// has been sent by the time they arrive (Weaver et al., NDSS 2009: those of Sandvine lie 12503 beyond). Or a device makes
// a RST of each segment of a TCP that goes on: one that has sent a RST itself sends nothing of its own accord any more.
func (c *resetCase) guesses(rst *reassembly.Segment) bool {
	nxt := c.sender.stream.Nxt
	return c.guess.At == 0 && !c.peerSpoke && c.bare() == !rst.Flags.Has(reassembly.ACK) && time.Duration(rst.At-c.rst.At) < rightBehind &&
		c.sender.stream.Knows(reassembly.KnowNxt) && rst.Seq.After(nxt+1) && rst.Seq.After(c.rst.Seq) && rst.Seq.After(c.peer.last.Ack)
}

// passesSYN reports whether the RST, one after this one and without ACK as this, lies beyond the SYN that is all that its sender had sent, as far
// as was captured. It answers an ACK of data, then, so that the handshake was complete (RFC 9293 3.10.7.1), or somebody guessed its number.
func (c *resetCase) passesSYN(rst *reassembly.Segment) bool {
	last := &c.peer.last
	return c.beyondSYN.At == 0 && !c.peerSpoke && c.bare() && rst.Flags&reassembly.ACK == 0 && c.states[c.side] == fsm.SynSent && c.sender.bytes == 0 &&
		last.Flags.Has(reassembly.SYN|reassembly.ACK) && c.rst.Seq == last.Ack && rst.Seq.After(last.Ack)
}

// rightBehind is how soon the second RST of an injector follows the first.
const rightBehind = 10 * time.Millisecond
