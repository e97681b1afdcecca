package fsm

import (
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A connection that is compacted and expanded is the same, whatever it is like: one of which
// something has no place in the record is not compacted. Each bit of an ordinary connection,
// and of the record of its close, is turned in turn.
func TestCompact(t *testing.T) {
	for name, ordinary := range map[string]func(*reassembly.Segment){
		"IPv4": func(seg *reassembly.Segment) {
			for _, e := range []*reassembly.Endpoint{&seg.Src, &seg.Dst} {
				e.Addr = [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: byte(e.Port)}
			}
		},
		"IPv6": func(seg *reassembly.Segment) { seg.Src.Addr[0], seg.Dst.Addr[0] = 0x20, 0x20 },
	} {
		var p Packer
		conn, record := closed(0, ordinary)
		conn.Compact(&p, &record) // the first says what is typical
		other, otherRecord := closed(0, func(seg *reassembly.Segment) {
			ordinary(seg)
			seg.At, seg.Frame, seg.Seq, seg.Ack = seg.At+int64(time.Hour), seg.Frame+1<<20, seg.Seq+1<<30, seg.Ack+1<<30
		})
		if n := len(other.Compact(&p, &otherRecord)); n == 0 || n > 60 {
			t.Errorf("%s: an ordinary connection takes %d bytes", name, n)
		}
		fits := 0
		check := func(of *Close) {
			b := conn.Compact(&p, of)
			if b == nil {
				return
			}
			fits++
			var c Conn
			var r Close
			if is := c.Expand(&p, b, &r); c != conn || is != (of != nil) || is && !reflect.DeepEqual(&r, of) {
				t.Fatalf("%s:\n got %+v %+v\nwant %+v %+v", name, c, r, conn, of)
			}
			if lo, hi := p.Ports(b); lo != conn.key.Lo.Port || hi != conn.key.Hi.Port {
				t.Errorf("%s: ports %d and %d", name, lo, hi)
			}
			if ends, iss := p.ISNs(b); ends[1] != conn.Endpoint(reassembly.B) || iss[1] != conn.ends[1].out.ISS || p.ISN(b) != conn.ends[0].out.ISS {
				t.Errorf("%s: ends %v, initial sequence numbers %d", name, ends, iss)
			}
		}
		check(nil)
		check(&record)
		turn(reflect.ValueOf(&conn).Elem(), func() { check(nil); check(&record) })
		n := record.n
		turn(reflect.ValueOf(&record).Elem(), func() {
			unused := func(s closeStep) bool { return s != (closeStep{}) }
			senseless := func(s closeStep) bool { return s.kinds >= 1<<len(closeKinds) }
			if record.n == n && !slices.ContainsFunc(record.steps[n:], unused) && !slices.ContainsFunc(record.steps[:n], senseless) {
				check(&record)
			}
		})
		if fits < 2500 {
			t.Errorf("%s: only %d of them were compacted", name, fits)
		}
		for more := range maxCloseSteps - 4 + 1 { // steps of the close, also beyond those that all have room for
			fits = 0
			if conn, record = closed(more, ordinary); int(record.n) != 4+more {
				t.Errorf("%s: the close has %d steps, want %d", name, record.n, 4+more)
			}
			if check(&record); fits != 1 {
				t.Errorf("%s: a close of %d steps was not compacted", name, record.n)
			}
		}
	}
}

// closed is a connection that has closed in order, and the record of that: so many ACKs of data came after the first FIN.
func closed(acks int, like func(*reassembly.Segment)) (c Conn, record Close) {
	type send struct {
		side          reassembly.Side
		flags         reassembly.Flags
		seq, n, acked uint32
	}
	all := []send{{0, syn, 0, 0, 0}, {1, syn | ack, 0, 0, 1}, {0, ack, 1, 0, 1}, {0, ack, 1, 100, 1}, {1, ack, 1, 1000, 101}, {0, ack, 101, 0, 901}, {1, fin, 1001, 0, 101}}
	for i := range uint32(acks) {
		all = append(all, send{0, ack, 101, 0, 902 + i})
	}
	var room CloseRoom
	w := newWire()
	for i, s := range append(all, send{0, ack, 101, 0, 1002}, send{0, fin, 101, 0, 1002}, send{1, ack, 1002, 0, 102}) {
		w.like = like
		w.send(s.side, 10*time.Millisecond, s.flags, s.seq, s.n, s.acked)
		if i == 6 {
			record.Begin(&w.ev)
		} else if i > 6 {
			record.Note(&w.ev, &room)
		}
	}
	return w.conn, record
}

// turn turns each bit of a value, one at a time, and calls then. Of a number that stands for
// one of a few things, only the lowest.
func turn(v reflect.Value, then func()) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			turn(v.Field(i), then)
		}
	case reflect.Array:
		for i := range v.Len() {
			turn(v.Index(i), then)
		}
	case reflect.Pointer:
	default:
		at := (*[8]byte)(unsafe.Pointer(v.UnsafeAddr()))
		bits := 8 * int(v.Type().Size())
		switch v.Type() {
		case reflect.TypeFor[bool](), reflect.TypeFor[Class](), reflect.TypeFor[reassembly.Side](), reflect.TypeFor[reassembly.Placement]():
			bits = 1
		}
		for i := range bits {
			at[i/8] ^= 1 << (i % 8)
			then()
			at[i/8] ^= 1 << (i % 8)
		}
	}
}

// Numbers come back as they were, whatever their size, and whatever is typical.
func TestPacker(t *testing.T) {
	sizes := []uint32{0, 1, 255, 256, 65_535, 65_536, 1<<32 - 1}
	for _, typical := range sizes {
		var p Packer
		for _, a := range append([]uint32{typical}, sizes...) {
			for _, b := range sizes {
				p.begin(3)
				p.put(a, b, a+b, b-a)
				p.skip(1)
				p.put(0, 0, a, 0)
				p.unpack(p.pack(), 3)
				if v, _, w := p.get(), p.get(), p.get(); v != [4]uint32{a, b, a + b, b - a} || w != [4]uint32{0, 0, a, 0} {
					t.Errorf("%d, %d: got %d, %d", a, b, v, w)
				}
			}
		}
	}
}
