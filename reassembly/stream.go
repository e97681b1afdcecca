package reassembly

// Placement says where a segment fell in its sender's sequence space.
type Placement uint8

// The ways a segment can fall. Empty segments (no payload, SYN or FIN) have
// only Fresh, Ahead and Repeat.
const (
	Fresh   Placement = iota // begins at NXT
	Ahead                    // begins beyond NXT: something before it was not seen
	Overlap                  // begins before NXT and ends beyond it
	Filling                  // ends at or before NXT, and some of it fell in a hole
	Repeat                   // all of it was seen before
)

// Known says which fields of a Stream the wire has shown.
type Known uint8

// The facts that may be missing.
const (
	KnowISS      Known = 1 << iota // a SYN was seen, or acknowledged
	KnowUna                        // the peer acknowledged something
	KnowNxt                        // something was sent, or acknowledged
	KnowEdge                       // the peer advertised a window
	knowRejected                   // a segment was not acceptable
	lossy                          // a hole was acknowledged and forgotten
	overflowed                     // a hole was skipped that there was no room to remember
	knowShown                      // an empty segment showed more than NXT
)

// A Stream is one direction's account of its sequence space. The zero value
// knows nothing.
type Stream struct {
	// ISS is the initial sequence number; midstream, one less than the first
	// number seen, so that relative numbers begin at 1 either way.
	ISS            Seq
	Una, Nxt, Edge Seq
	noted          Seq // with knowRejected or knowShown, which exclude each other: see Reject and Show
	gaps           gaps
	known          Known
}

// Knows reports whether every fact in k is known.
func (s *Stream) Knows(k Known) bool { return s.known&k == k }

// Whole reports whether all is known of the stream but where it began, and nothing is missing.
func (s *Stream) Whole() bool {
	const all = KnowUna | KnowNxt | KnowEdge
	return s.known&(all|knowShown) == all && s.gaps.n == 0
}

// Open notes a SYN with initial sequence number iss.
func (s *Stream) Open(iss Seq) {
	s.ISS = iss
	s.known |= KnowISS
}

// Reopen begins again with another SYN, at iss.
func (s *Stream) Reopen(iss Seq, t *Gaps) {
	s.Release(t)
	*s = Stream{}
	s.Open(iss)
	s.begin(iss + 1)
}

// Jump moves NXT, and UNA with it, to seq across a hole that the capture has.
func (s *Stream) Jump(seq Seq, t *Gaps) {
	s.Una, s.Nxt, s.Edge = seq, seq, seq
	s.Release(t)
	s.known = s.known&^(knowRejected|knowShown|KnowEdge) | KnowNxt | KnowUna | lossy
}

// Finished is a stream of which everything up to nxt was acknowledged, and nothing is
// missing.
func Finished(iss, nxt, edge Seq) Stream {
	return Stream{ISS: iss, Una: nxt, Nxt: nxt, Edge: edge, known: KnowISS | KnowUna | KnowNxt | KnowEdge}
}

// Release forgets all holes and gives back their room in t. Call it before the stream is
// forgotten.
func (s *Stream) Release(t *Gaps) {
	s.gaps.release(t)
	s.gaps = gaps{}
}

// Send notes n sequence numbers sent from seq on, and says where they fell.
func (s *Stream) Send(seq Seq, n uint32, t *Gaps) Placement {
	end := seq + Seq(n)
	if s.known&KnowNxt == 0 {
		s.begin(seq)
		s.Nxt = end
		return Fresh
	}
	if seq == s.Nxt {
		s.Nxt = end
		s.reached()
		return Fresh
	}
	if s.Nxt.Before(seq) {
		if n > 0 { // an empty segment may run ahead of reordered data: it takes no place
			s.skip(seq, t)
			s.Nxt = end
			s.reached()
		}
		return Ahead
	}
	if n == 0 {
		return Repeat
	}
	hit := s.gaps.n > 0 && s.fill(Block{seq, end}, t)
	if s.Nxt.Before(end) {
		s.Nxt = end
		s.reached()
		return Overlap
	}
	if hit {
		return Filling
	}
	return Repeat
}

// Rewind takes back what was sent from seq on: it was not this stream's own.
func (s *Stream) Rewind(seq Seq, t *Gaps) {
	if s.known&KnowNxt == 0 || !seq.Before(s.Nxt) {
		return
	}
	if s.gaps.n > 0 {
		s.fill(Block{seq, s.Nxt}, t)
	}
	s.Nxt = seq
	if s.known&KnowUna != 0 && seq.Before(s.Una) {
		s.Una = seq
	}
}

// skip opens a hole from NXT on.
func (s *Stream) skip(to Seq, t *Gaps) {
	var b [maxGaps]Block
	list, fits := opened(s.gaps.list(t, &b), Block{s.Nxt, to})
	s.remember(list, fits, t)
}

// fill notes that a stretch below NXT was seen, and reports whether any of it lay in a hole.
func (s *Stream) fill(seen Block, t *Gaps) bool {
	var b [maxGaps]Block
	list, hit, fits := filled(s.gaps.list(t, &b), seen)
	if hit {
		s.remember(list, fits, t)
	}
	return hit
}

// remember replaces all holes. Where there are many, those behind UNA are forgotten: what
// is acknowledged will hardly be captured any more. So UNA lies behind all holes or in the
// first or touches it.
func (s *Stream) remember(list []Block, fits bool, t *Gaps) {
	if len(list) > ownGaps && s.known&KnowUna != 0 {
		list = s.without(list, behind(list, s.Una-1))
	}
	if !s.gaps.set(t, list) || !fits {
		s.known |= overflowed
	}
}

// without is the list without its first k holes. That there were such is remembered.
func (s *Stream) without(list []Block, k int) []Block {
	if k > 0 {
		s.known |= lossy
	}
	return list[k:]
}

// begin starts the account at seq, midstream unless a SYN was seen.
func (s *Stream) begin(seq Seq) {
	if s.known&KnowNxt != 0 {
		return
	}
	s.known |= KnowNxt
	s.Nxt = seq
	if s.known&KnowISS == 0 {
		s.ISS = seq - 1
	}
}

// Acked notes the peer's cumulative acknowledgment and returns by how many
// sequence numbers UNA moved (0 for a repeat or an old one), and how many of these
// the tap has not seen (yet: captures reorder by microseconds).
func (s *Stream) Acked(ack Seq, t *Gaps) (moved, unseen uint32) {
	switch {
	case s.known&KnowUna != 0:
		if ack.AtOrBefore(s.Una) {
			return 0, 0
		}
		moved = uint32(ack - s.Una)
	case s.known&KnowISS != 0:
		if ack.AtOrBefore(s.ISS) {
			return 0, 0
		}
		moved = uint32(ack - s.ISS)
	default: // midstream: what lies before the first ACK is not missed, be it a keep-alive's
		s.Nxt = s.Nxt.Max(ack)
	}
	s.begin(ack) // where the account begins, if the tap has not seen anything sent yet
	s.Una = ack
	s.known |= KnowUna
	if s.gaps.n > 0 && s.gaps.below(ack) {
		unseen = s.unseen(ack-Seq(moved), ack, t)
		s.forget(t)
	}
	if s.Nxt.Before(ack) {
		unseen += uint32(ack - s.Nxt)
		s.skip(ack, t)
		s.Nxt = ack
	}
	s.reached()
	return moved, unseen
}

// unseen is how many sequence numbers in [from, to) lie in holes.
func (s *Stream) unseen(from, to Seq, t *Gaps) (n uint32) {
	var b [maxGaps]Block
	for _, g := range s.gaps.list(t, &b) {
		end := g.To
		if to.Before(end) {
			end = to
		}
		n += uint32(max(from.Max(g.From).To(end), 0))
	}
	return n
}

// forgetBehind is how far behind UNA a hole may be filled, at most. Numbers are
// ordered within half of the circle only, so that no hole may stay for good.
const forgetBehind = 1 << 30

// forget drops holes that will hardly be filled any more.
func (s *Stream) forget(t *Gaps) {
	far := s.Una - forgetBehind
	if s.gaps.n <= ownGaps && far.Before(s.gaps.own[0].To) {
		return
	}
	var b [maxGaps]Block
	list := s.gaps.list(t, &b)
	s.remember(s.without(list, behind(list, far)), true, t)
}

// Offer notes the peer's window: the right edge up to which data may be sent.
func (s *Stream) Offer(edge Seq) {
	s.Edge = edge
	s.known |= KnowEdge
}

// InFlight is how many sequence numbers are sent and not acknowledged.
func (s *Stream) InFlight() uint32 {
	if s.known&(KnowUna|KnowNxt) != KnowUna|KnowNxt {
		return 0
	}
	return uint32(s.Nxt - s.Una)
}

// Covered reports whether everything before seq has been acknowledged.
func (s *Stream) Covered(seq Seq) bool { return s.Knows(KnowUna) && seq.AtOrBefore(s.Una) }

// Below reports whether seq lies below what has been acknowledged.
func (s *Stream) Below(seq Seq) bool { return s.Knows(KnowUna) && seq.Before(s.Una) }

// Oldest reports whether a segment at seq begins with what must be acknowledged next:
// the retransmission timer sends the earliest segment (RFC 6298 5.4). Where nothing
// was acknowledged, any may be the oldest.
func (s *Stream) Oldest(seq Seq) bool { return !s.Knows(KnowUna) || seq == s.Una }

// Window is SND.WND in bytes: how far the right edge lies beyond what is
// acknowledged; 0 if either is unknown.
func (s *Stream) Window() uint32 {
	if !s.Knows(KnowEdge|KnowUna) || s.Edge.Before(s.Una) {
		return 0
	}
	return uint32(s.Edge - s.Una)
}

// Skipped reports whether seq, which is UNA, the number before it, or the one before NXT, lies
// in a hole: not seen, though what follows was. Of other numbers it does not know all.
func (s *Stream) Skipped(seq Seq) bool { return s.gaps.has(seq) }

// Overflowed reports whether more holes were open at a time than can be remembered. Of
// what was skipped then, nobody knows whether it was captured later.
func (s *Stream) Overflowed() bool { return s.known&overflowed != 0 }

// Holes reports whether bytes were acknowledged that the tap never saw.
func (s *Stream) Holes() bool {
	return s.known&lossy != 0 || s.known&KnowUna != 0 && s.gaps.below(s.Una)
}
