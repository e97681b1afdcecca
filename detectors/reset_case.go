package detectors

import (
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A resetCase is what was known of a connection when a RST came: all that the
// cause is read off. Y sent the RST, X is its peer.
type resetCase struct {
	y               reassembly.Side
	rst, prev, last reassembly.Mark // the RST; what Y had sent last before it; what X had
	first           reassembly.Mark // the RST of Y that X challenged, if this is Y's answer
	arrived         reassembly.Mark // what X acknowledged after it, of what was on its way
	before          [2]fsm.State
	phase           [2]fsm.Phase
	opened          opening // whether Y did

	answers   bool // the RST is what a host without the connection answers to last
	near      bool // it would be, but came too soon: it answers something before that
	unsure    bool // nobody can say so
	prods     bool // last is a keep-alive or a probe
	old       bool // last acknowledges less than X had acknowledged before
	late      bool // last is not the prompt acknowledgment of what Y sent before it
	knewFIN   bool // last acknowledges Y's FIN
	atNxt     bool // the RST is where Y would send next
	newborn   bool // Y has only just sent its part of the handshake, and nothing else
	challenge bool // last is a challenge ACK
	doubtful  bool // believed only because the connection ends here
	ttl, id   bool // it breaks with Y's habits
	borrowed  bool // its IP ID is one of X's
	noID      bool // it has no IP ID, though Y counts: no socket of Y made it
	gaveUp    bool // Y's own segments had met no answer
	again     bool // X sent its SYN again, after it
	taken     bool // and Y took that one
	held      bool // X's window is closed, or full, so that no FIN of Y could leave
	restarts  bool // what goes on in Y's name after it may be a connection that begins
	ackUnseen bool // the last that X has acknowledged of Y was not captured
	endUnseen bool // the last that Y sent was not captured, and may have been its FIN

	idle    int64  // how long nobody had spoken before last, or before the RST if that broke the silence
	broke   bool   // the RST broke the silence itself
	lost    uint32 // bytes of X's payload that Y had not acknowledged
	beyond  uint32 // of these, what the RST does not acknowledge either
	unsent  uint32 // bytes of Y's payload that X had not acknowledged
	missing uint32 // of these, what X has not acknowledged since
	filled  uint32 // by how much Y's window had fallen
	grain   uint32 // the step in which it can
	row     int    // retransmissions of Y in a row
	spoke   [2]bool
	recent  uint64 // payload of X in the last second or two
	sent    uint64 // payload of X, all of it
	packets [2]uint64
	rtt     int64
}

// opening says whether a side opened the connection.
type opening uint8

const (
	unknownOpener opening = iota
	opener
	acceptor
)

// answerTime is how long after a segment a RST may answer it, or four round
// trips if that is longer: hosts answer at once, but paths have queues.
const answerTime = 250 * time.Millisecond

// minWindowFall is how far a window must have fallen before it shows unread
// data: a receiver may hold it back by a segment or two for other reasons
// (RFC 9293 3.8.6.2.2).
const minWindowFall = 2 * 1460

// caseOf takes the facts at the time of the RST.
func caseOf(ev fsm.Event, r *Report) resetCase {
	c, y, x := r.Conn, ev.Side, ev.Side.Peer()
	k := resetCase{y: y, rst: reassembly.MarkOf(ev.Seg), last: c.LastSent(x), before: r.Before}
	if ev.Was != nil {
		k.prev = *ev.Was
	}
	for side := range reassembly.Side(2) {
		k.phase[side] = c.Half(side).Phase
		k.spoke[side] = c.Bytes(side) > 0
		k.packets[side] = c.Packets(side)
	}
	if side, known := c.Opener(); known {
		k.opened = acceptor
		if side == y {
			k.opened = opener
		}
	}
	k.ttl, k.id, k.noID = c.Strange(y, &k.prev, &k.rst)
	k.borrowed = k.id && c.Borrowed(y, &k.rst)
	k.atNxt = c.AtNxt(y, &k.rst)
	if k.last.At != 0 {
		k.prods, k.old, k.knewFIN = c.Prods(x, &k.last), c.AcksOld(x, &k.last), c.KnowsFIN(x, &k.last)
		if k.last.Len == 0 { // data came before last; a bare RST is at its acknowledgment
			k.knewFIN, k.unsure = k.bare() && !c.AtFIN(y, &k.rst), !k.bare()
		}
	}
	k.challenge = c.ChallengedLast(x)
	k.rtt = int64(c.RTT())
	k.pair(c)
	k.newborn = k.opened == acceptor && !k.spoke[y] && k.phase[y] < fsm.Shut && k.prev.Flags&reassembly.SYN != 0 && k.idle < 1e9 && k.packets[x] <= 4 &&
		k.last.Flags&reassembly.FIN == 0
	k.lost, k.beyond, k.unsent = c.Unacked(x, nil), c.Unacked(x, &k.rst), c.Unacked(y, nil)
	k.missing = k.unsent
	k.ackUnseen = c.AckedUnseen(y)
	k.held = c.Held(y) && !k.shut(y)
	k.filled, k.grain, k.recent = c.Filled(y), c.Grain(y), c.Recent(x, k.rst.At)
	k.sent, k.row, k.endUnseen = c.Bytes(x), c.Row(y), c.MayHaveClosed(y)
	k.gaveUp = k.prev.At > k.last.At && (k.row >= 2 || c.Prods(y, &k.prev))
	return k
}

// arrive takes what X sends after the RST: does it acknowledge what was on its
// way? The RST does not undo that.
func (k *resetCase) arrive(ev fsm.Event, r *Report) bool {
	missing := r.Conn.Unacked(k.y, nil)
	if k.missing == 0 || missing >= k.missing {
		return false
	}
	k.missing, k.arrived = missing, reassembly.MarkOf(ev.Seg)
	return true
}

// confirms takes the last RST of Y that X must not believe as it was: X asks with
// a challenge ACK, and whoever meant it answers with RST (RFC 5961 3.2).
func (k *resetCase) confirms(doubted *reassembly.Mark) {
	if asked := k.last.At - doubted.At; doubted.At != 0 && k.challenge && k.answers && asked >= 0 && asked <= max(4*k.rtt, int64(answerTime)) {
		k.first = *doubted
	}
}

// bare says whether the RST acknowledges nothing.
func (k *resetCase) bare() bool { return k.rst.Flags&reassembly.ACK == 0 }

// shut says whether the side has sent FIN.
func (k *resetCase) shut(side reassembly.Side) bool { return k.phase[side] >= fsm.Shut }

// pair looks whether the RST answers what X sent last, and how long nobody had
// spoken before that. What comes sooner than a quarter of the time that Y took
// to answer X's part of the handshake was on its way already.
func (k *resetCase) pair(c *fsm.Conn) {
	if k.last.At == 0 {
		return
	}
	after := k.rst.At - k.last.At
	soon := after <= max(4*k.rtt, int64(answerTime))
	fits := soon && fsm.Answers(&k.rst, &k.last) && k.last.Flags&reassembly.RST == 0
	// Y had answered it otherwise already, unless the RST is below what Y sent, or
	// what Y sent was on its way.
	fits = fits && (k.last.At >= k.prev.At || !k.atNxt || c.Precedes(k.y, &k.prev, &k.last))
	// With ACK, a RST says what has arrived; it answers what has no ACK itself,
	// and what a living socket would not acknowledge so.
	fits = fits && (k.bare() || k.last.Flags&reassembly.ACK == 0 || k.prods && k.last.Len == 0)
	prompt := k.prev.Len > 0 && k.prev.End() == k.last.Ack && k.last.At-k.prev.At <= max(4*k.rtt, int64(answerTime))
	k.late = k.old || !prompt
	k.near = fits && !k.challenge && !k.old && after < int64(c.Answer(k.y)/4)
	k.answers = fits && !k.near
	switch {
	case soon && k.last.At >= k.prev.At:
		k.idle = int64(c.Silence())
	default:
		k.idle, k.broke = k.rst.At-max(k.last.At, k.prev.At), true
	}
}

// outcome names the cause. goesOn says that Y goes on as if it had sent no RST.
func (k *resetCase) outcome(goesOn bool, r *Report) string {
	y, x := k.y, k.y.Peer()
	idle := k.idle >= int64(r.Value("min-idle")*1e9)-1e9
	answers := k.answers || k.near
	switch {
	case !goesOn && k.refusal(), k.scanned():
		return "refused"
	case k.before[y] == fsm.SynSent:
		return "handshake-reset"
	case !goesOn && k.before[x] == fsm.SynSent && k.answers && k.last.Flags.Has(reassembly.SYN): // the SYN-ACK was lost, and what sent it is gone
		return "refused"
	// IN ITS NAME: whoever goes on has not reset the connection. A host that does
	// not know it answered, as a NAT node does for what its conntrack calls
	// INVALID (kubernetes#74839); or somebody who wants it to end.
	case goesOn && k.bare() && k.answers && k.last.SeqLen() == 0 && k.late:
		return "late-ack"
	case goesOn:
		return "suspected-injection"

	// OVER: both FINs are acknowledged.
	case k.phase[0] == fsm.Done && k.phase[1] == fsm.Done:
		return "stale"
	// AFTER ITS FIN: what came met no socket. Linux answers bare, Windows with ACK
	// of it and window 0.
	case k.shut(y) && k.lost > 0 && (k.bare() || k.beyond > 0 && !k.inPlace() || k.rst.Window == 0):
		return "data-after-close"
	case k.first.At != 0:
		return "aborted"
	case k.challenge && k.answers: // RFC 9293 figure 9
		return "half-open"
	// STRANGE: it comes from elsewhere.
	case (k.ttl || k.id) && idle:
		return "idle-drop"
	case k.ttl, k.id && !k.answers:
		return "suspected-injection"

	case answers && k.prods && (k.bare() || k.last.Len == 0):
		return "keepalive-refused"
	case !k.bare() && k.inPlace():
		if k.unread() {
			return "unread-data"
		}
		return "aborted"
	case k.shut(y):
		return "aborted"
	case k.before[y] == fsm.SynReceived && !answers: // it did not wait any longer
		return "aborted"
	case k.bare() && answers && k.old:
		return "stale"
	case k.bare() && idle && (!k.broke || onTheDot(k.idle)):
		return "idle-drop"
	case k.bare() && answers:
		return "half-open"
	case !k.bare() || k.doubtful || !k.seen():
		return "unexplained"
	// WITHOUT ACK, answering nothing: so abort Windows XP and iOS, by a socket that
	// is there. One that marks its packets otherwise did not make it.
	case k.atNxt && !k.noID:
		return "aborted"
	}
	return "suspected-injection"
}

// refusal says whether the RST answers a SYN as a closed port does.
func (k *resetCase) refusal() bool {
	return k.phase[k.y.Peer()] == fsm.Opening && k.phase[k.y] == fsm.Idle
}

// scanned says whether the RST answers what no connection can begin with: a port
// scan sends that, and a closed port answers it so (RFC 9293 3.10.7.1).
func (k *resetCase) scanned() bool {
	return k.answers && k.last.Flags&(reassembly.SYN|reassembly.ACK) == 0
}

// seen says whether the capture shows both sides' part of what came before.
func (k *resetCase) seen() bool { return k.packets[0] > 0 && k.packets[1] > 0 && k.prev.At != 0 }

// inPlace says whether a RST with ACK is one that a socket makes: where it
// would send next, for what it has got.
func (k *resetCase) inPlace() bool { return (k.atNxt || k.unsent > 0) && !k.doubtful && k.prev.At != 0 }

// unread says whether Y's application had not read what X sent: then a close
// sends RST (RFC 2525 2.17; RFC 9293 3.10.4). The window shows it, or that the
// data was on its way; or it is a request that nothing answers.
func (k *resetCase) unread() bool {
	x := k.y.Peer()
	if !k.spoke[x] || k.gaveUp {
		return false
	}
	lastWord := k.last.Len > 0 && !k.prods && !(k.prev.At > k.last.At && k.prev.Len > 0)
	switch {
	case k.windowFell():
		return true
	case k.lost > 0:
		return lastWord
	case k.opened == acceptor:
		return lastWord
	case k.opened == opener:
		return lastWord && !k.spoke[k.y]
	}
	return lastWord && k.rst.At-k.last.At <= k.rtt
}

// windowFell says whether Y's window has fallen so far that data must lie in it,
// and not further than there was data.
func (k *resetCase) windowFell() bool {
	return k.filled >= max(2*k.grain, minWindowFall) && uint64(k.filled) <= k.sent
}

// culprit is who has to look: as a rule the side whose RST it is.
func (k *resetCase) culprit(outcome string) reassembly.Side {
	switch outcome {
	case "stale":
		return k.y.Peer() // it sent what is old
	case "data-after-close":
		if k.knewFIN {
			return k.y.Peer() // it knew that Y had closed
		}
	}
	return k.y
}

// minLost is how much payload must be lost to count where its sender knew that
// nobody reads: a TLS close_notify is less, and nobody misses it.
const minLost = 100

// severity is less where nothing was lost that anybody wanted.
func (k *resetCase) severity(outcome string, usual Severity) Severity {
	x := k.y.Peer()
	switch outcome {
	case "aborted":
		if k.gaveUp || k.opened == acceptor && k.missing > 0 && (k.missing >= minLost || !k.shut(x)) {
			return Warning
		}
	case "unread-data":
		if k.opened == opener || k.shut(x) {
			return Info // it did not want the rest
		}
	case "data-after-close":
		fresh := k.lost >= minLost && k.recent <= uint64(k.lost) // nothing was on its way just before
		if k.opened == opener || k.knewFIN && k.lost < minLost || k.opened == unknownOpener && (k.knewFIN || !fresh) {
			return Info
		}
	case "keepalive-refused":
		if k.shut(k.y) && k.lost == 0 {
			return Info // it had closed, and said so
		}
	case "refused":
		if k.scanned() || k.taken {
			return Info
		}
	case "stale":
		if !(k.phase[0] == fsm.Done && k.phase[1] == fsm.Done) {
			return Warning
		}
	case "unexplained":
		if k.shut(x) {
			return Info
		}
	}
	return usual
}

// doubt makes undecided what the capture cannot carry.
func (k *resetCase) doubt(outcome string, f *Finding, r *Report) {
	x := k.y.Peer()
	switch {
	case k.packets[x] == 0:
		f.Undecide("one-sided: nothing of the peer was captured before the RST, so that what it answers cannot be seen")
	case k.doubtful:
		f.Undecide("the RST lies inside the window, but not where its sender stood: what came before it was not captured, or it is forged; the connection ends here either way")
	case outcome == "handshake-reset" && k.last.Flags&reassembly.SYN == 0:
		f.Undecide("one-sided: the SYN-ACK that it may answer was not captured")
	case outcome == "unexplained" && !k.seen():
		f.Undecide("midstream: the capture begins with the RST, and shows nothing that its sender sent before")
	case outcome == "half-open" && k.prev.At == 0:
		f.Undecide("midstream: nothing that the sender of the RST sent before was captured, so that it may have closed")
	case outcome == "stale" && k.ackUnseen && !(k.phase[0] == fsm.Done && k.phase[1] == fsm.Done):
		f.Undecide("holes: what the peer had acknowledged before was not captured, so that the sender of the RST may never have sent it")
	case outcome == "half-open" && k.held:
		f.Undecide("the window of its peer was closed, or full: the sender of the RST may have closed, too, and its FIN have waited behind the window")
	case k.endUnseen && (outcome == "half-open" || outcome == "keepalive-refused" || outcome == "idle-drop" && !k.ttl):
		f.Undecide("holes: the last that the sender of the RST had sent was acknowledged, but not captured, and may have been its FIN")
	case outcome == "half-open":
		r.Absence(f, k.last.At) // of its FIN
	case outcome == "idle-drop":
		f.Absence = true // of what was said in the silence; a hole would have shown that something was
		f.Doubt()
	case outcome == "suspected-injection" && k.restarts && !k.ttl && !k.id:
		f.Undecide("what goes on stands as a connection that begins: a server that answers with SYN cookies may have reset the first, and taken up another from what came after that")
	case outcome == "suspected-injection" && !k.ttl && !k.id:
		r.Absence(f, k.rst.At)
	}
}

// onItsWay is for how long after a RST a segment of the same side may still have
// been on its way, captured out of order.
const onItsWay = 3 * time.Millisecond
