package waits

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Packed is a record at rest: a report may have a million of them. It takes a third of
// the room. The empty string is none.
type Packed string

// Pack packs the record, but for its strip.
func (r *Record) Pack() Packed {
	var room [1024]byte
	c := coder{buf: room[:0]}
	r.code(&c)
	return Packed(c.buf)
}

// Record unpacks it; nil if there is none.
func (p Packed) Record() *Record {
	if p == "" {
		return nil
	}
	r := new(Record)
	r.code(&coder{buf: []byte(p), reading: true})
	return r
}

// Waits are those of the record. It must not be empty.
func (p Packed) Waits() (w detectors.Waits) {
	c := coder{buf: []byte(p[:min(len(p), maxWaits)]), reading: true}
	c.waits(&w)
	return w
}

// maxWaits is what waits take at most, packed.
const maxWaits = int(detectors.NumWaits) * binary.MaxVarintLen64

// code writes the record, or reads it: one list of fields serves both.
func (r *Record) code(c *coder) {
	c.waits(&r.Waits)
	number(c, &r.From)
	c.since(&r.To, r.From)
	for side := range r.RTT {
		number(c, &r.RTT[side])
		r.Figures[side].code(c, r.From)
	}
	number(c, &r.Unknown)
	c.flag(&r.Invisible)
	number(c, &r.Omitted)
	r.Exchanges.code(c)
	list(c, &r.Longest, func(x *Stretch) {
		number(c, &x.Wait)
		number(c, &x.File[0])
		number(c, &x.File[1])
		number(c, &x.Frame[0])
		number(c, &x.Frame[1])
		c.since(&x.Start, r.From)
		c.since(&x.End, x.Start)
	})
	list(c, &r.Transfers, func(t *detectors.Transfer) { c.transfer(t, r.From) })
}

func (e *Exchanges) code(c *coder) {
	number(c, &e.Unanswered)
	number(c, &e.Pipelined)
	list(c, &e.Slowest, func(x *Answered) {
		number(c, &x.Response)
		number(c, &x.Request)
		number(c, &x.Answer)
	})
	q := &e.Responses
	number(c, &q.n)
	number(c, &q.max)
	list(c, &q.exact, func(ns *int64) { number(c, ns) })
	list(c, &q.buckets, func(b *bucket) {
		number(c, &b.at)
		number(c, &b.n)
	})
}

func (f *Figures) code(c *coder, from int64) {
	for _, s := range [...]*Spread{&f.Sizes, &f.Windows, &f.Flight, &f.RTT} {
		if number(c, &s.N); s.N == 0 {
			continue
		}
		number(c, &s.Min)
		c.since(&s.Max, s.Min)
		c.float(&s.sum)
		if s.N > 1 {
			c.float(&s.squares)
		} else {
			s.squares = s.sum * s.sum
		}
	}
	number(c, &f.IdleMax)
	number(c, &f.DupAcks)
	number(c, &f.TripleAcks)
	number(c, &f.OutOfOrder)
	number(c, &f.DSACKs)
	c.since(&f.last, from)
	number(c, &f.row)
}

// transfer codes what reports need: of its first and last segment, which these were.
func (c *coder) transfer(t *detectors.Transfer, from int64) {
	number(c, &t.From)
	for _, m := range [...]*reassembly.Mark{&t.First, &t.Last} {
		c.since(&m.At, from)
		number(c, &m.File)
		number(c, &m.Frame)
	}
	number(c, &t.Bytes)
	number(c, &t.Missed)
	c.waits(&t.Waits)
	number(c, &t.Window)
	number(c, &t.Flight)
	for _, b := range [...]*bool{&t.Shrank, &t.Repaired, &t.Invisible, &t.AcksFiltered} {
		c.flag(b)
	}
	for _, ns := range [...]*int64{&t.RTT, &t.Beyond, &t.Pause, &t.Queue, &t.Relayed} {
		number(c, ns)
	}
	c.since(&t.Told, from)
}

// A coder appends values to its buffer, or takes them from there.
type coder struct {
	buf     []byte
	reading bool
}

// number codes a number in as few bytes as it needs.
func number[T ~int | ~int64 | ~uint64 | ~uint32 | ~uint16 | ~uint8](c *coder, v *T) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, int64(*v))
		return
	}
	n, size := binary.Varint(c.buf)
	*v, c.buf = T(n), c.buf[size:]
}

// since codes a number as its difference from a base.
func (c *coder) since(v *int64, base int64) {
	d := *v - base
	number(c, &d)
	*v = base + d
}

// float codes a float: the last bits of those that are whole numbers are zero.
func (c *coder) float(v *float64) {
	n := bits.Reverse64(math.Float64bits(*v))
	number(c, &n)
	*v = math.Float64frombits(bits.Reverse64(n))
}

func (c *coder) flag(v *bool) {
	n := uint8(0)
	if *v {
		n = 1
	}
	number(c, &n)
	*v = n != 0
}

func (c *coder) waits(w *detectors.Waits) {
	for i := range w {
		number(c, &w[i])
	}
}

// list codes a list.
func list[T any](c *coder, l *[]T, each func(*T)) {
	n := len(*l)
	if number(c, &n); c.reading && n > 0 {
		*l = make([]T, n)
	}
	for i := range *l {
		each(&(*l)[i])
	}
}
