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
	records []*Record // by account, if they are kept
	spare   []*Record // may be used again
	ended   *Record   // will be one of these
	keep    bool
	told    Told
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
	l.chunks, l.made, l.idle, l.records, l.spare, l.ended = nil, 0, nil, nil, nil, nil
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
	a := l.Account(account)
	a.Owner, a.number = owner, account
	return account
}

// Account is the account of that number.
func (l *Ledger) Account(n uint32) *Account {
	return &l.chunks[(n-1)>>chunkBits][(n-1)&(chunkSize-1)]
}

// Told is who is told what the accounts find.
func (l *Ledger) Told() *Told { return &l.told }

// Measure counts a segment for the record of its account.
func (l *Ledger) Measure(account uint32, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, c *fsm.Conn) {
	if l.keep {
		r := l.record(l.Account(account))
		measure(&r.Figures[side], &r.Figures[side.Peer()], seg, side, ev, c)
	}
}

// End ends an account, as Account.End does, and closes it. The record is nil if none is
// kept, and valid until the next End.
func (l *Ledger) End(account uint32, at, known int64, c *fsm.Conn) *Record {
	a := l.Account(account)
	a.End(at, known, c, &l.told)
	var r *Record
	if l.keep {
		r = l.record(a)
		r.Waits, r.From, r.To, r.Unknown = a.Waits, a.first, a.from, a.why
		if a.Waits[detectors.UnknownWait] == 0 {
			r.Unknown = NoReason
		}
		r.Invisible = a.invisible
		r.RTT = [2]int64{a.ends[0].rtt, a.ends[1].rtt}
		r.sort()
		l.records[account-1] = nil
		if l.ended != nil {
			l.spare = append(l.spare, l.ended)
		}
		l.ended = r
	}
	*a = Account{}
	l.idle = append(l.idle, account)
	return r
}

// record is that of an account.
func (l *Ledger) record(a *Account) *Record {
	r := &l.records[a.number-1]
	if *r == nil {
		if last := len(l.spare) - 1; last >= 0 {
			*r, l.spare = l.spare[last], l.spare[:last]
			(*r).reset()
		} else {
			*r = new(Record)
		}
	}
	return *r
}

func (l *Ledger) stretch(a *Account, x *Stretch) {
	if l.keep {
		l.record(a).longest(x)
	}
	if l.Stretch != nil {
		l.Stretch(a.Owner, x)
	}
}

func (l *Ledger) exchange(a *Account, x *detectors.Exchange) {
	if l.keep {
		l.record(a).exchange(x)
	}
	if l.Exchange != nil {
		l.Exchange(a.Owner, x)
	}
}

func (l *Ledger) transfer(a *Account, t *detectors.Transfer) {
	if l.keep {
		l.record(a).transfer(t)
	}
	if l.Transfer != nil {
		l.Transfer(a.Owner, t)
	}
}
