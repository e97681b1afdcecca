package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// Kind is one kind of event: a fact that a segment brought to light.
type Kind uint8

// The events, in the order in which one segment brings them: what it
// acknowledges, what it advertises as window, what it sends. Three come before
// these: ResetIgnored, StayedOpen and Revived, where the segment shows what became
// of an earlier RST. Some are brought by a segment of another connection
// of the four-tuple. Event.Side is the side that the definition calls "this
// side".
const (
	SynAcked          Kind = iota // this side's SYN was acknowledged
	AnsweredLate                  // this side took 200 ms or longer to answer the peer's SYN or SYN-ACK
	Advanced                      // something new of this side's was acknowledged
	ResendAcked                   // something new of this side's was acknowledged, for the first time since it sent something again
	ArrivedTwice                  // payload of this side's arrived twice, by its peer's first SACK block (RFC 2883)
	HoleShown                     // something of this side's is missing, as its peer shows by a third duplicate ACK or by SACK
	Sacked                        // something of this side's was acknowledged selectively; see [Events.Reach]
	SackOutOfWindow               // this side acknowledged selectively what lies far outside its peer's sequence space
	HoleAcked                     // bytes of this side were acknowledged that the tap has not seen
	FinAcked                      // this side's FIN was acknowledged
	WindowShut                    // this side advertised window 0
	WindowOpened                  // this side advertised room again after window 0
	WindowShrunk                  // this side took back window that it had offered, since its handshake (RFC 9293 3.8.6)
	WindowOld                     // this side's segment shows another window than the one in force, and was sent before the segment that set that; Was is perhaps that segment
	WindowSmall                   // this side advertised a window that is too small for a full segment, though not shut
	Opened                        // this side sent its first SYN
	SynResent                     // this side sent its SYN again
	DataSent                      // this side sent payload that was not seen before
	Overran                       // this side sent payload beyond every window that the peer was seen to offer
	DataAfterIdle                 // this side sent new payload after a minute or more in which neither side sent anything
	NagleDelay                    // this side sent payload for which it had waited until its peer sent an ACK that it had delayed
	DataResent                    // this side sent payload again
	DataOutOfOrder                // this side's payload filled a hole too soon to have been sent again, or (Place is Repeat) is what it had sent before that was sent again
	FinSent                       // this side sent its first FIN
	ClosedWithoutData             // this side, which was connected to, sent FIN before either side had sent a byte
	FinResent                     // this side sent its FIN again
	SentBelowFin                  // right after its FIN (Was), this side sent something that begins at or below it
	FinDenied                     // this side answered its peer from at or below its FIN, or sent new payload there: it does not know of that FIN
	FinConfirmed                  // right after that, this side sent an empty segment from behind its FIN: what denied it was a keep-alive
	FinWithdrawn                  // this side did so again, or its FIN does not fit it: that was not its own, and counts no longer
	SentBeyondFin                 // this side sent payload beyond its FIN
	Probed                        // this side probed the peer's zero window
	MaybeProbed                   // this side sent what may be a probe; the peer's window was never seen
	KeptAlive                     // this side sent a keep-alive
	FinOverHole                   // this side's FIN is out, and a pure ACK of the peer repeats that it lacks something before it
	AckRepeated                   // this side sent the same pure ACK again, and nothing but a pure ACK of its peer had called for it
	SentOutOfWindow               // this side seemed to send something far outside its sequence space
	SynRenewed                    // this side sent another SYN, with another ISN, while its first was unanswered
	SynChallenged                 // this side's unanswered SYN met a pure ACK of something else: its peer still has an older connection
	SynMisacked                   // this side's unanswered SYN met a SYN-ACK that does not acknowledge it
	ChallengeRst                  // this side answered that pure ACK, or that SYN-ACK, with a RST
	ResetSent                     // this side sent an acceptable RST
	ResetDoubted                  // a RST in this side's name lies inside the window but answers nothing; it counts if the connection ends here
	ResetIgnored                  // a RST in this side's name was not acceptable
	Resumed                       // this side continues here, although it has sent a SYN of another connection on the four-tuple, or it seemed so
	Revived                       // this side continued after a RST in its name: the RST was not its own, or did not end the connection
	StayedOpen                    // this side has not closed, although its peer sent an acceptable RST: it sends on for more than a round trip, or challenges the RST
	NoProgress                    // this side had sent three times again, and a segment of its peer that carries nothing acknowledges nothing new, nor by SACK
	Sent                          // this side sent a segment of any kind (comes last)
	HalfClosed                    // this side's FIN was acknowledged a second ago, and the peer has sent none; no segment brings it, the clock does, and Seg is that ACK
	ReusedEarly                   // this side's SYN uses the ports of a connection that is in TIME_WAIT at the peer; N is 1 if its ISN lies beyond all that was used there
	ICMPError                     // an ICMP error quotes what this side has in flight; Seg is the quote, no segment of this side's
	Answered                      // this side's answer to a request is over, or will not come; internal/waits brings it, and Seg is the first segment of the answer, or the last of the request
	Transferred                   // a run of this side's payload is over; internal/waits brings it, and Seg is its last segment
	numKinds
)

// Kinds is a set of event kinds.
type Kinds uint64

// On makes a set.
func On(kinds ...Kind) Kinds {
	var s Kinds
	for _, k := range kinds {
		s |= 1 << k
	}
	return s
}

// Has reports whether k is in the set.
func (s Kinds) Has(k Kind) bool { return s>>(k&63)&1 != 0 }

// An Event is one fact. Seg is the segment that brought it; Seg and Was are
// valid during the call only.
type Event struct {
	Kind  Kind
	Side  reassembly.Side
	Class Class
	Place reassembly.Placement // of the segment in its sender's sequence space
	N     uint32               // Advanced, HoleAcked: by how many sequence numbers; WindowShrunk, Overran: by how many bytes; DataResent: microseconds of silence before it; SynResent: 1 if it echoes the timestamp of what the peer sent after its SYN; of a RST: 1 if the peer's last segment is a challenge ACK, which it may answer
	Age   uint32               // DataResent: microseconds since data was first sent that is in flight; 0 if none is timed. ResendAcked: for how many microseconds its peer had sent nothing since that; 0 if it is not acknowledged. HoleAcked: for how many microseconds nobody had sent anything; 0 if more is missing of the connection, or no payload of the side was captured. WindowShrunk: IP identification of the segment that had set the window
	Fresh uint16               // DataResent: how many bytes of it were not captured before, 65,535 at most
	Dups  uint8                // DataResent, ResendAcked: duplicate ACKs of the peer since it last acknowledged anything new, 127 at most; of the latter, SACK counts as one, too
	Seg   *reassembly.Segment
	// Was is what the segment goes back to. DataResent, FinResent, SynResent,
	// SentBelowFin, NagleDelay, WindowShrunk, WindowOld, KeptAlive: what this side sent before it. ResetSent, ResetDoubted, ResetIgnored:
	// the same, At 0 if nothing; where only a later segment shows that a RST was
	// ignored, or the end that it counts, that RST. StayedOpen: the RST. SynRenewed, SynChallenged,
	// SynMisacked: the unanswered SYN. AnsweredLate, ClosedWithoutData: the peer's segment
	// before it. ReusedEarly: the last of the old connection that its peer sent.
	Was *reassembly.Mark
}

// Events are what one segment brought. The engine reuses one for all segments;
// most connections have no watcher, so adding an event must cost next to nothing.
type Events struct {
	Kinds  Kinds    // all that there are
	Of     [2]Kinds // the same, by the side of the event
	Before [2]State // both ends' states before the segment
	Class  Class    // the segment's

	seg   *reassembly.Segment
	place reassembly.Placement
	reach reassembly.Seq // with Sacked: where the segment's blocks end
	n     uint
	was   [numWas]reassembly.Mark // valid where an entry names them
	list  [maxEvents]entry
}

// An entry is one event with all that belongs to it alone: flat, and written once.
type entry struct {
	kind Kind
	side reassembly.Side
	was  was
	dups uint8
	new  uint16
	n    uint32
	age  uint32
}

// was says what an event goes back to: one of three segments, each noted at most
// once for all events of a segment.
type was uint8

const (
	noWas    was = iota
	ownLast      // what the segment's side had sent before it
	peerLast     // what the other side had sent last
	oldLast      // of the connection whose ports are used again
	numWas
)

// maxEvents is more than any one segment can bring: each kind at most once.
const maxEvents = 1 << 6

// Ends reports whether a side's direction ended: its FIN was acknowledged, or a RST
// counts.
func (e *Events) Ends() bool { return e.Kinds&(1<<FinAcked|1<<ResetSent) != 0 }

// Place is where the segment lies in its sender's sequence space.
func (e *Events) Place() reassembly.Placement { return e.place }

// Len is how many events there are.
func (e *Events) Len() int { return int(e.n) }

// Has reports whether the i-th event, counted from 0, is of one of the kinds, by its side.
func (e *Events) Has(i int, kinds *[2]Kinds) bool {
	l := &e.list[uint(i)%maxEvents]
	return kinds[l.side&1].Has(l.kind)
}

// Reach is whose data the segment acknowledged selectively, and to where; is says that it did.
func (e *Events) Reach() (side reassembly.Side, to reassembly.Seq, is bool) {
	if !e.Kinds.Has(Sacked) {
		return 0, 0, false
	}
	return reassembly.Side(e.Of[1] >> Sacked & 1), e.reach, true
}

// Any reports whether there is any event of these kinds, by its side.
func (e *Events) Any(kinds *[2]Kinds) bool { return e.Of[0]&kinds[0]|e.Of[1]&kinds[1] != 0 }

// At is the i-th event, counted from 0.
func (e *Events) At(i int) Event {
	l := &e.list[uint(i)%maxEvents]
	ev := Event{Kind: l.kind, Side: l.side, Class: e.Class, Place: e.place, N: l.n, Age: l.age, Fresh: l.new, Dups: l.dups, Seg: e.seg}
	if l.was != noWas {
		ev.Was = &e.was[l.was]
	}
	return ev
}

func (e *Events) reset(c *Conn, seg *reassembly.Segment) {
	e.Kinds, e.Of, e.Class, e.seg, e.place, e.n = 0, [2]Kinds{}, Plain, seg, reassembly.Fresh, 0
	e.Before = [2]State{c.ends[0].state, c.ends[1].state}
}

func (e *Events) add(k Kind, side reassembly.Side, n uint32) *entry {
	bit := Kinds(1) << (k & 63) // the mask spares a check
	e.Kinds |= bit
	e.Of[side&1] |= bit
	l := &e.list[e.n%maxEvents]
	*l = entry{kind: k, side: side, n: n}
	e.n++
	return l
}

// addWas adds an event that goes back to m.
func (e *Events) addWas(k Kind, side reassembly.Side, w was, m *reassembly.Mark) *entry {
	e.was[w] = *m
	l := e.add(k, side, 0)
	l.was = w
	return l
}
