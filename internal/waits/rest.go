package waits

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// resting marks the number of an account that rests.
const resting = 1 << 31

// Resting reports whether the account of that number rests.
func Resting(account uint32) bool { return account&packed == resting }

// A rest is what is kept of an account that rests.
type rest struct {
	*Record
	last [2]int64 // as of gauge, by side; nothing else is being measured
}

// Rest ends the account of a connection both of whose FINs are acknowledged at trace time
// at. What follows, if anything does, is more of the close; until then its record is all
// that is kept.
func (l *Ledger) Rest(account uint32, at int64, c *fsm.Conn) uint32 {
	o := l.record(account)
	r := rest{last: [2]int64{o.gauges[0].last, o.gauges[1].last}}
	r.Record = l.End(account, at, at, c).clone()
	if last := len(l.vacant) - 1; last >= 0 {
		account, l.vacant = l.vacant[last], l.vacant[:last]
		l.rests[account] = r
	} else {
		account = uint32(len(l.rests))
		l.rests = append(l.rests, r)
	}
	return account | resting
}

// Wake opens an account that rests again.
func (l *Ledger) Wake(account, owner uint32) uint32 {
	r := l.rested(account)
	account = l.Open(owner)
	a := l.Account(account)
	a.Waits, a.first, a.from, a.why = r.Waits, r.From, r.To, r.Unknown
	if r.Invisible {
		a.invisible = 1<<reassembly.A | 1<<reassembly.B
	}
	a.ends[0].rtt, a.ends[1].rtt = r.RTT[0], r.RTT[1]
	o := &openRecord{Record: *r.Record, ongoing: ongoing{stretch: Stretch{Start: r.To, End: r.To}}, gauges: [2]gauge{{last: r.last[0]}, {last: r.last[1]}}}
	if last := len(o.Longest) - 1; last >= 0 && o.Longest[last].End == r.To { // it may go on
		o.stretch, o.Longest = o.Longest[last], o.Longest[:last]
	}
	a.phase, a.based, a.over = closing, true, true
	a.setSteps()
	a.settle()
	l.records[account-1] = o
	return account
}

// rested takes the record of an account that rests.
func (l *Ledger) rested(account uint32) rest {
	account &^= resting
	r := l.rests[account]
	l.rests[account], l.vacant = rest{}, append(l.vacant, account)
	return r
}
