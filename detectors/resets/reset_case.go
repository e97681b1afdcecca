package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
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

// caseOf takes the facts at the time of the RST.
func caseOf(ev fsm.Event, r *detectors.Report) resetCase {
	c, y, x := r.Old, ev.Side, ev.Side.Peer()
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
	k.newborn = k.opened == acceptor && !k.spoke[y] && k.phase[y] < fsm.PhaseFinSent && k.prev.Flags&reassembly.SYN != 0 && k.idle < 1e9 && k.packets[x] <= 4 &&
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
func (k *resetCase) arrive(ev fsm.Event, r *detectors.Report) bool {
	missing := r.Old.Unacked(k.y, nil)
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

// closed says whether both sides' FINs are acknowledged.
func (k *resetCase) closed() bool {
	return k.phase[0] == fsm.PhaseFinAcked && k.phase[1] == fsm.PhaseFinAcked
}

// shut says whether the side has sent FIN.
func (k *resetCase) shut(side reassembly.Side) bool { return k.phase[side] >= fsm.PhaseFinSent }

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
