package waits

import (
	"math"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A journal holds the first segments of a connection for which no account has been made yet.
// Most connections are over before any of what an account tells could be more than a prompt
// answer: then none is made. Else its segments are posted to an account, which is then the one
// that it would have been: fsm takes them the same steps as before.
type journal struct {
	conn     fsm.Conn // after the first segment
	first    int64    // trace time of the earliest segment
	asked    int64    // when the client began to ask what the server has not answered; 0 = nothing
	bytes    [2]uint32
	owner    uint32
	number   uint32    // of the journal
	kinds    fsm.Kinds // of the first segment, as its class
	class    fsm.Class
	n        uint8
	segments [journalFirst]brief
	more     *[journalSize - journalFirst]brief // nil as long as it has no more than those
}

// journalSize is how many segments a journal has: a request, its answer and the close take that
// many. Before the answer, it has fewer.
const (
	journalSize  = 12
	journalFirst = 4
)

// A brief is what fsm and accounts read of a segment that is neither SYN nor RST, and has no
// SACK blocks, in 40 bytes. What lies together in a segment does here, too, in the same order: it is copied at once.
type brief struct {
	at           int64
	frame        uint32
	seq, ack     reassembly.Seq
	tsVal, tsEcr uint32
	size         uint16
	has          reassembly.OptionBits
	side         reassembly.Side
	file         uint16
	window, ipID uint16
	flags        reassembly.Flags
	ttl          uint8
}

func (b *brief) set(seg *reassembly.Segment, side reassembly.Side) {
	b.at, b.frame, b.seq, b.ack = seg.At, seg.Frame, seg.Seq, seg.Ack
	b.tsVal, b.tsEcr = seg.Opts.TSVal, seg.Opts.TSEcr
	b.size, b.has, b.side = uint16(seg.Len), seg.Opts.Has, side
	b.file, b.window, b.ipID, b.flags, b.ttl = seg.File, seg.Window, seg.IPID, seg.Flags, seg.TTL
}

// journalled marks the number of a journal.
const journalled = 1 << 30

// Journalled reports whether the account of that number is none yet: see [Ledger.Settle].
func Journalled(account uint32) bool { return account&(resting|journalled) == journalled }

// openJournal begins a journal, if accounts may wait, and journals have rarely been useless
// so far.
func (l *Ledger) openJournal(owner uint32) (account uint32, opened bool) {
	if l.keep || l.told.Stretch != nil || l.Eager {
		return 0, false
	}
	if l.skipped++; l.inVain > 0 && l.skipped%tryAgain != 0 {
		return 0, false
	}
	if last := len(l.blank) - 1; last >= 0 {
		account, l.blank = l.blank[last], l.blank[:last]
	} else if last := len(l.bare) - 1; last >= 0 {
		account, l.bare = l.bare[last], l.bare[:last]
		l.journals[account&^journalled] = new(journal)
	} else {
		account = uint32(len(l.journals)) | journalled
		l.journals = append(l.journals, new(journal))
	}
	j := l.journal(account)
	j.owner, j.number, j.n = owner, account, 0
	return account, true
}

// Where more journals were posted than not, of up to maxInVain, only every tryAgain-th account
// waits: traffic changes.
const (
	maxInVain = 8
	tryAgain  = 16
)

func (l *Ledger) journal(account uint32) *journal { return l.journals[account&^journalled] }

// enter puts the segment into the journal, if it has room and accounts need not be told yet.
func (j *journal) enter(seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) bool {
	if j.n == journalSize || seg.Flags&(reassembly.SYN|reassembly.RST) != 0 || seg.Opts.NBlocks|uint8(seg.Missing) != 0 || seg.Len > math.MaxUint16 ||
		!c.Out(reassembly.A).Whole() || !c.Out(reassembly.B).Whole() {
		return false
	}
	if j.n == 0 {
		j.conn, j.class, j.kinds = *c, ev.Class, ev.Kinds
		j.first, j.asked, j.bytes = seg.At, 0, [2]uint32{}
	}
	if j.first = min(j.first, seg.At); j.slow(seg.At) || seg.Len > 0 && !j.payload(seg, side, ev.Class, c) {
		return false
	}
	j.brief(j.n).set(seg, side)
	j.n++
	return true
}

func (j *journal) brief(i uint8) *brief {
	if i < journalFirst {
		return &j.segments[i]
	}
	return &j.more[i-journalFirst]
}

// extend gives the journal room for all that it may have.
func (l *Ledger) extend(j *journal) {
	if last := len(l.sheets) - 1; last >= 0 {
		j.more, l.sheets = l.sheets[last], l.sheets[:last]
		return
	}
	j.more = new([journalSize - journalFirst]brief)
}

// slow reports whether the server may not have answered promptly by trace time at.
func (j *journal) slow(at int64) bool {
	return j.asked != 0 && at-j.asked >= int64(detectors.PromptAnswer)
}

// payload notes a segment with payload, unless with it there may be a transfer.
func (j *journal) payload(seg *reassembly.Segment, side reassembly.Side, class fsm.Class, c *fsm.Conn) bool {
	j.bytes[side] += seg.Len
	if n := j.bytes[side]; n >= minBytes || seg.At-j.first >= minTime && n >= minFulls*fullSegment(c.View()) {
		return false
	}
	switch {
	case side == reassembly.A && (j.asked == 0 || seg.At < j.asked):
		j.asked = seg.At
	case side == reassembly.B && class == fsm.NewData: // anything else may be no answer
		j.asked = 0
	}
	return true
}

// segment makes the i-th segment again, as far as fsm and accounts read it.
func (j *journal) segment(i uint8, seg *reassembly.Segment) (side reassembly.Side) {
	b := j.brief(i)
	m := reassembly.Mark{At: b.at, Frame: b.frame, Seq: b.seq, Ack: b.ack, Len: uint32(b.size), File: b.file, Window: b.window, IPID: b.ipID, Flags: b.flags, TTL: b.ttl}
	*seg = m.Segment(j.conn.Endpoint(b.side), j.conn.Endpoint(b.side.Peer()))
	seg.Opts.Has, seg.Opts.TSVal, seg.Opts.TSEcr = b.has, b.tsVal, b.tsEcr
	return b.side
}

// post makes an account of what the journal has.
func (l *Ledger) post(account uint32) uint32 {
	j := l.journal(account)
	if j.n > 0 { // else the journal was useless, but cost nothing
		l.inVain = min(l.inVain+1, maxInVain)
	}
	number := l.Open(j.owner)
	a, ev, seg := l.Account(number), &l.again, &l.told.last
	for i := range j.n {
		side := j.segment(i, seg)
		if i == 0 {
			ev.Class, ev.Kinds = j.class, j.kinds
		} else {
			j.conn.Step(seg, side, &l.room, ev)
		}
		a.Process(seg, side, ev, &j.conn, &l.told)
	}
	l.clear(account)
	return number
}

// Discard ends a journal that nobody needs, as its connection ends at trace time at. It reports whether it is one.
func (l *Ledger) Discard(account uint32, at int64) bool {
	if !Journalled(account) || l.journal(account).slow(at) {
		return false
	}
	l.inVain = max(l.inVain-1, -maxInVain)
	l.clear(account)
	return true
}

// Trim gives back the memory of journals that nobody uses.
func (l *Ledger) Trim() {
	for _, account := range l.blank {
		l.journals[account&^journalled] = nil
	}
	l.bare, l.blank, l.sheets = append(l.bare, l.blank...), nil, nil
}

// maxBlank is how many journals that nobody uses are kept, or a quarter of those in use. A flood brings
// hundreds of thousands of connections that have a journal first, and then an account.
const maxBlank = 64

// clear makes a journal one that may be used again, and forgets those that are too many.
func (l *Ledger) clear(account uint32) {
	if j := l.journal(account); j.more != nil {
		if len(l.sheets) < maxBlank {
			l.sheets = append(l.sheets, j.more)
		}
		j.more = nil
	}
	l.blank = append(l.blank, account)
	for last := len(l.blank) - 1; last >= maxBlank && last >= (len(l.journals)-len(l.bare)-last)/4; last-- {
		l.journals[l.blank[last]&^journalled] = nil
		l.bare, l.blank = append(l.bare, l.blank[last]), l.blank[:last]
	}
}
