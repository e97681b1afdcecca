package waits

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// A Record is what --time reports of one connection.
type Record struct {
	Waits     detectors.Waits // from From to To
	From, To  int64           // nanoseconds since 1970
	RTT       [2]int64        // smallest round trip between tap and side, in nanoseconds; 0 if unknown
	Longest   []Stretch       // the longest ten, in order of time
	Exchanges Exchanges
	Transfers []detectors.Transfer // the first 32
	Figures   [2]Figures           // by side
	Omitted   uint32               // transfers beyond these
	Unknown   Reason               // why some of the time is unknown
	Invisible bool                 // some of the time that applications took may have been loss before the tap
}

// Exchanges are the requests and answers of a connection.
type Exchanges struct {
	Responses  Quantiles // of those that were answered
	Unanswered uint32
	Pipelined  uint32
	Slowest    []Answered // ten, the slowest first; unanswered ones are not among them
}

// Answered is a request that was answered.
type Answered struct {
	Response        int64  // nanoseconds, as of [detectors.Exchange]
	Request, Answer uint32 // frames: the last of the request, the first of the answer
}

// Bounds of a record.
const (
	maxLongest   = 10
	maxSlowest   = 10
	maxTransfers = 32
)

// An openRecord is that of an account that is open, with what is only needed until it ends.
type openRecord struct {
	Record
	ongoing
	gauges   [2]gauge // by side
	shortest int64    // of the longest ten, in nanoseconds; 0 while there are fewer
}

// newRecord is an empty record with room for its longest waits.
func newRecord() *openRecord {
	return &openRecord{Record: Record{Longest: make([]Stretch, 0, maxLongest)}}
}

// reset empties the record, and keeps its room.
func (o *openRecord) reset() {
	r := &o.Record
	longest, transfers, slowest, many := r.Longest[:0], r.Transfers[:0], r.Exchanges.Slowest[:0], r.Exchanges.Responses.many
	*o = openRecord{}
	r.Longest, r.Transfers, r.Exchanges.Slowest = longest, transfers, slowest
	if many != nil {
		many.exact, many.buckets = many.exact[:0], many.buckets[:0]
	}
	r.Exchanges.Responses.many = many
}

// clone copies the record, with no more room than it needs: a report may have a million.
func (r *Record) clone() *Record {
	c := *r
	c.Longest, c.Transfers = trimmed(r.Longest), trimmed(r.Transfers)
	c.Exchanges.Slowest = trimmed(r.Exchanges.Slowest)
	if q := &c.Exchanges.Responses; q.n < 2 {
		q.many = nil
	} else {
		q.many = &many{trimmed(q.many.exact), trimmed(q.many.buckets)}
	}
	return &c
}

// trimmed copies a list that will not grow.
func trimmed[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	c := make([]T, len(list))
	copy(c, list)
	return c
}

// longest keeps a stretch if it is among the longest.
func (o *openRecord) longest(x *Stretch) {
	if x.length() <= o.shortest {
		return
	}
	o.Longest = keep(o.Longest, *x, maxLongest, Stretch.length)
	if len(o.Longest) == maxLongest {
		o.shortest = x.length()
		for i := range o.Longest {
			o.shortest = min(o.shortest, o.Longest[i].length())
		}
	}
}

// length is how long it is, in nanoseconds.
func (x Stretch) length() int64 { return x.End - x.Start }

// exchange counts an exchange.
func (r *Record) exchange(x *detectors.Exchange) {
	e := &r.Exchanges
	if x.Pipelined {
		e.Pipelined++
	}
	if x.Answer.At == 0 {
		e.Unanswered++
		return
	}
	e.Responses.Add(x.Response)
	e.Slowest = keep(e.Slowest, Answered{x.Response, x.Request.Frame, x.Answer.Frame}, maxSlowest, func(x Answered) int64 { return x.Response })
}

// transfer keeps a transfer.
func (r *Record) transfer(t *detectors.Transfer) {
	if len(r.Transfers) == maxTransfers {
		r.Omitted++
		return
	}
	r.Transfers = append(r.Transfers, *t)
}

// keep adds x to the list, or puts it in the place of the least if there is no room.
func keep[T any](list []T, x T, room int, size func(T) int64) []T {
	if len(list) < room {
		return append(list, x)
	}
	least, of := -1, size(x)
	for i := range list {
		if n := size(list[i]); n < of {
			least, of = i, n
		}
	}
	if least >= 0 {
		list[least] = x
	}
	return list
}

// sort puts the lists into their order.
func (r *Record) sort() {
	if len(r.Longest) == maxLongest { // else none took the place of another
		sorting.Stable(r.Longest, func(a, b Stretch) int { return cmp.Compare(a.Start, b.Start) })
	}
	sorting.Stable(r.Exchanges.Slowest, func(a, b Answered) int { return cmp.Compare(b.Response, a.Response) })
}
