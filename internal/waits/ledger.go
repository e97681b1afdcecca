package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Ledger holds the accounts of one partition's connections. An account is a number
// that is kept with the connection; 0 is none.
type Ledger struct {
	// Exchange and Transfer are told of these as they are over, with the owner of the
	// account; nil functions are not called. Stretch is set by FollowStretches.
	Exchange func(owner uint32, x *detectors.Exchange)
	Transfer func(owner uint32, t *detectors.Transfer)
	Stretch  func(owner uint32, x *Stretch)

	chunks  []*[chunkSize]Account
	made    uint32 // accounts ever used
	idle    []uint32
	records []*openRecord // by account, if they are kept
	current uint32        // the account at hand, if they are
	rests   []rest        // accounts that rest
	vacant  []uint32      // of these, which may be used again
	spare   []*openRecord // may be used again
	ended   *openRecord   // will be one of these
	keep    bool
	told    Told

	// Eager makes every account at once; for tests.
	Eager    bool
	journals []*journal                           // by number
	blank    []uint32                             // of these, which may be used again
	bare     []uint32                             // numbers of no journal
	sheets   []*[journalSize - journalFirst]brief // that no journal has
	skipped  uint32                               // connections that might have had a journal
	inVain   int                                  // how many more journals were posted than not, within bounds
	again    fsm.Events
	room     reassembly.Gaps

	// PackAlways packs accounts however few there are; for tests.
	PackAlways bool
	contents   [][]uint64 // of packed accounts, by number
	unpacked   []uint32   // of these, which may be used again
	packages   uint32     // how many are packed
}

// chunkSize is how many accounts are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// NewLedger makes an empty ledger. records says that what the accounts find is kept for
// the report.
func NewLedger(records bool) *Ledger {
	l := &Ledger{keep: records}
	l.told = Told{Exchange: l.exchange, Transfer: l.transfer}
	if records {
		l.told.Stretch, l.told.Prompt = l.stretch, true
	}
	return l
}

// FollowStretches has fn told of each stretch of time.
func (l *Ledger) FollowStretches(fn func(owner uint32, x *Stretch)) {
	l.Stretch, l.told.Stretch = fn, l.stretch
}

// Reset forgets all accounts.
func (l *Ledger) Reset() {
	*l = Ledger{Exchange: l.Exchange, Transfer: l.Transfer, Stretch: l.Stretch, keep: l.keep, told: l.told, Eager: l.Eager, PackAlways: l.PackAlways}
	l.told.aside = aside{}
}

// Open opens an account.
func (l *Ledger) Open(owner uint32) (account uint32) {
	last := len(l.idle) - 1
	if last >= 0 {
		account, l.idle = l.idle[last], l.idle[:last]
	} else {
		if l.made>>chunkBits == uint32(len(l.chunks)) {
			l.chunks = append(l.chunks, new([chunkSize]Account))
		}
		l.made++
		account = l.made
		if l.keep {
			l.records = append(l.records, nil)
		}
	}
	l.Account(account).Owner = owner
	return account
}

// Defer opens an account as late as its connection allows.
func (l *Ledger) Defer(owner uint32) (account uint32) {
	if account, opened := l.openJournal(owner); opened {
		return account
	}
	return l.Open(owner)
}

// Process accounts for the next segment of the account's connection, as Account.Process does.
// It returns the account's number from then on.
func (l *Ledger) Process(account, owner uint32, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) uint32 {
	if account >= journalled {
		var entered bool
		if account, entered = l.enter(account, owner, seg, side, ev, c); entered {
			return account
		}
	}
	a := l.Account(account)
	if l.keep {
		r := l.records[account-1]
		if r == nil {
			r = l.record(account)
		}
		l.current, l.told.now = account, &r.ongoing
		a.Process(seg, side, ev, c, &l.told)
		r.measure(seg, side, ev, c)
		return account
	}
	l.told.turnTo(account)
	a.Process(seg, side, ev, c, &l.told)
	if a.phase == closing && seg.Len == 0 && l.told.Stretch == nil && l.crowded() {
		return l.pack(account)
	}
	return account
}

// Expects returns the account of that number if it is open and no record of it is kept: its
// Process, which is given what Told returns, does all that the ledger's does.
func (l *Ledger) Expects(account uint32) *Account {
	if account-1 >= l.made || l.keep {
		return nil
	}
	return l.Account(account)
}

// Told is who is told what the accounts find.
func (l *Ledger) Told() *Told { return &l.told }

// enter puts the segment into the account's journal if it has one. Else, or if it does not take it, the
// account is one from now on.
func (l *Ledger) enter(account, owner uint32, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) (number uint32, entered bool) {
	switch {
	case Packed(account):
		return l.unpack(account), false
	case Resting(account):
		return l.Wake(account, owner), false
	}
	j := l.journal(account)
	if j.n == journalFirst && j.more == nil {
		l.extend(j)
	}
	if j.enter(seg, side, ev, c) {
		return account, true
	}
	return l.post(account), false
}

// Settle turns a journal or a packed account into an account: its connection may be changed by more than
// its segments.
func (l *Ledger) Settle(account uint32) uint32 {
	switch {
	case Journalled(account):
		return l.post(account)
	case Packed(account):
		return l.unpack(account)
	}
	return account
}

// Account is the account of that number.
func (l *Ledger) Account(n uint32) *Account {
	return &l.chunks[(n-1)>>chunkBits][(n-1)&(chunkSize-1)]
}

// Close ends an account, as End does, or takes its record if it rests; nil if none is
// kept. The record is the caller's.
func (l *Ledger) Close(account uint32, at, known int64, c *fsm.Conn) *Record {
	switch {
	case Packed(account):
		account = l.unpack(account)
	case Resting(account):
		return l.rested(account).Record
	case l.Discard(account, at):
		return nil
	case Journalled(account):
		account = l.post(account)
	}
	r := l.End(account, at, known, c)
	if r == nil {
		return nil
	}
	return r.clone()
}

// End ends an account, as Account.End does, and closes it. The record is nil if none is
// kept, and valid until the next End.
func (l *Ledger) End(account uint32, at, known int64, c *fsm.Conn) *Record {
	a := l.Account(account)
	var r *openRecord
	if l.keep {
		r = l.record(account)
		l.current, l.told.now = account, &r.ongoing
	} else {
		l.told.turnTo(account)
	}
	if a.End(at, known, c, &l.told); l.keep {
		r.Waits, r.From, r.To, r.Unknown = a.Waits, a.first, a.from, a.why
		if a.Waits[detectors.UnknownWait] == 0 {
			r.Unknown = NoReason
		}
		r.Invisible = a.invisible != 0 || a.before
		r.RTT = [2]int64{a.ends[0].rtt, a.ends[1].rtt}
		r.sort()
		l.records[account-1] = nil
		if l.ended != nil {
			l.spare = append(l.spare, l.ended)
		}
		l.ended = r
	}
	l.told.release(a)
	if l.told.latest != nil {
		delete(l.told.latest, account)
	}
	l.idle = append(l.idle, account)
	if r == nil {
		return nil
	}
	return &r.Record
}

// Over tells detectors what End would tell them at the same time, and nothing from then on: their connection is over. The
// account goes on.
func (l *Ledger) Over(account uint32, at, known int64, c *fsm.Conn) {
	a := l.Account(account)
	if a.over {
		return
	}
	stretch := l.told.Stretch
	l.told.Stretch = nil
	number := l.Open(a.Owner)
	ended := l.Account(number)
	*ended = *a
	l.told.copy(ended)
	ended.End(at, known, c, &l.told)
	l.told.Stretch = stretch
	l.told.release(ended)
	l.told.unmark(a)
	l.idle = append(l.idle, number)
	a.over, a.asking, a.replying, a.run.on = true, false, false, false
}

// record is that of an account.
func (l *Ledger) record(account uint32) *openRecord {
	r := &l.records[account-1]
	if *r == nil {
		if last := len(l.spare) - 1; last >= 0 {
			*r, l.spare = l.spare[last], l.spare[:last]
			(*r).reset()
		} else {
			*r = newRecord()
		}
	}
	return *r
}

func (l *Ledger) stretch(a *Account, x *Stretch) {
	if l.keep {
		l.record(l.current).longest(x)
	}
	if l.Stretch != nil {
		l.Stretch(a.Owner, x)
	}
}

func (l *Ledger) exchange(a *Account, x *detectors.Exchange) {
	if l.keep {
		l.record(l.current).exchange(x)
	}
	prompt := x.Answer.At != 0 && x.Response < int64(detectors.PromptAnswer)
	if l.Exchange != nil && !a.over && (!prompt || a.slowly) {
		l.Exchange(a.Owner, x)
	}
}

func (l *Ledger) transfer(a *Account, t *detectors.Transfer) {
	if l.keep {
		l.record(l.current).transfer(t)
	}
	if l.Transfer != nil && !a.over {
		l.Transfer(a.Owner, t)
	}
}
