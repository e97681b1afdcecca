package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Ledger holds the accounts of one partition's connections. An account is a number
// that is kept with the connection; 0 is none.
type Ledger struct {
	// Exchange and Transfer are told of these as they end, Stretch of each stretch of
	// time of accounts; nil functions are not called.
	Exchange func(x *detectors.Exchange, at int64)
	Transfer func(t *detectors.Transfer, at int64)
	Stretch  func(*Stretch) // see FollowStretches

	chunks  []*[chunkSize]Account
	made    uint32 // accounts ever used
	idle    []uint32
	records []*Record // by account, if they are kept
	keep    bool
	told    Told
	current uint32 // account that is told of
	now     int64  // trace time
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
		l.told.Stretch = l.stretch
	}
	return l
}

// FollowStretches has fn told of each stretch of time.
func (l *Ledger) FollowStretches(fn func(*Stretch)) {
	l.Stretch, l.told.Stretch = fn, l.stretch
}

// Reset forgets all accounts.
func (l *Ledger) Reset() {
	l.chunks, l.made, l.idle, l.records = nil, 0, nil, nil
}

func (l *Ledger) at(n uint32) *Account { return &l.chunks[(n-1)>>chunkBits][(n-1)&(chunkSize-1)] }

// Open opens an account.
func (l *Ledger) Open() uint32 {
	if last := len(l.idle) - 1; last >= 0 {
		n := l.idle[last]
		l.idle = l.idle[:last]
		return n
	}
	if l.made>>chunkBits == uint32(len(l.chunks)) {
		l.chunks = append(l.chunks, new([chunkSize]Account))
	}
	l.made++
	if l.keep {
		l.records = append(l.records, nil)
	}
	return l.made
}

// Process accounts for the time up to a segment, which fsm has processed.
func (l *Ledger) Process(account uint32, seg *reassembly.Segment, side reassembly.Side, ev *fsm.Events, v fsm.View) {
	l.current, l.now = account, seg.At
	l.at(account).Process(seg, side, ev, v, &l.told)
}

// End ends an account, as Account.End does, and closes it. The record is nil if none is
// kept.
func (l *Ledger) End(account uint32, at, known int64, v fsm.View) *Record {
	l.current, l.now = account, at
	a := l.at(account)
	a.End(at, known, v, &l.told)
	var r *Record
	if l.keep {
		r = l.record()
		r.Waits, r.From, r.To, r.Unknown = a.Waits, a.first, a.from, a.why
		if a.Waits[detectors.UnknownWait] == 0 {
			r.Unknown = NoReason
		}
		r.RTT = [2]int64{a.ends[0].rtt, a.ends[1].rtt}
		r.sort()
		l.records[account-1] = nil
	}
	*a = Account{}
	l.idle = append(l.idle, account)
	return r
}

// record is that of the account at hand.
func (l *Ledger) record() *Record {
	r := &l.records[l.current-1]
	if *r == nil {
		*r = new(Record)
	}
	return *r
}

func (l *Ledger) stretch(x *Stretch) {
	if l.keep {
		l.record().longest(x)
	}
	if l.Stretch != nil {
		l.Stretch(x)
	}
}

func (l *Ledger) exchange(x *detectors.Exchange) {
	if l.keep {
		l.record().exchange(x)
	}
	if l.Exchange != nil {
		l.Exchange(x, l.now)
	}
}

func (l *Ledger) transfer(t *detectors.Transfer) {
	if l.keep {
		l.record().transfer(t)
	}
	if l.Transfer != nil {
		l.Transfer(t, l.now)
	}
}
