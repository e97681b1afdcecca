package fsm

import (
	"reflect"
	"slices"
	"testing"
	"time"
	"unsafe"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const (
	fin = reassembly.FIN | reassembly.ACK
	ack = reassembly.ACK
	syn = reassembly.SYN
	rst = reassembly.RST
)

// A wire makes segments of one connection, from side a or b, with the numbers
// relative to the sides' ISNs.
type wire struct {
	conn Conn
	ev   Events
	now  time.Duration
	iss  [2]reassembly.Seq
	win  uint16
	id   uint16
	like func(*reassembly.Segment) // what else the next segment has
}

func newWire() *wire { return &wire{iss: [2]reassembly.Seq{1<<32 - 50, 1<<32 - 5}, win: 1000} }

// send steps one segment, d after the one before, and returns its events.
func (w *wire) send(side reassembly.Side, d time.Duration, flags reassembly.Flags, seq, n, acked uint32) []Kind {
	w.now += d
	w.id++
	seg := reassembly.Segment{
		At: int64(time.Hour + w.now), Frame: uint32(w.id), Flags: flags, Len: n, Window: w.win, IPID: w.id,
		Seq: w.iss[side] + reassembly.Seq(seq),
	}
	if flags.Has(reassembly.ACK) {
		seg.Ack = w.iss[side.Peer()] + reassembly.Seq(acked)
	}
	seg.Src.Port, seg.Dst.Port = 1000+uint16(side), 1001-uint16(side)
	if w.like != nil {
		w.like(&seg)
		w.like = nil
	}
	if w.conn.first == 0 {
		w.conn.Begin(&seg)
	}
	_, fromLo := reassembly.KeyOf(&seg)
	w.conn.Step(&seg, w.conn.SideOf(fromLo), nil, &w.ev)
	var kinds []Kind
	for i := range w.ev.Len() {
		kinds = append(kinds, w.ev.At(i).Kind)
	}
	return kinds
}

// open sends the handshake, each part d after the one before.
func (w *wire) open(d time.Duration) *wire {
	w.send(0, d, syn, 0, 0, 0)
	w.send(1, d, syn|ack, 0, 0, 1)
	w.send(0, d, ack, 1, 0, 1)
	return w
}

// A connection is held a million times over: small, and nothing in it for the
// garbage collector.
func TestConn_size(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); n > 416 {
		t.Errorf("a Conn has %d bytes, want 416 at most", n)
	}
	if where := pointerIn(reflect.TypeFor[Conn](), "Conn"); where != "" {
		t.Errorf("%s holds a pointer", where)
	}
}

func pointerIn(t reflect.Type, name string) string {
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			if p := pointerIn(t.Field(i).Type, name+"."+t.Field(i).Name); p != "" {
				return p
			}
		}
		return ""
	case reflect.Array:
		return pointerIn(t.Elem(), name+"[]")
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.String, reflect.Interface, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return name
	}
	return ""
}

func TestStep_allocs(t *testing.T) {
	w := newWire().open(time.Millisecond)
	data := reassembly.Segment{At: int64(2 * time.Hour), Flags: ack, Window: 500}
	var seq reassembly.Seq = 1
	if n := testing.AllocsPerRun(1000, func() {
		data.At += int64(time.Millisecond)
		data.Len, data.Seq, data.Ack = 100, w.iss[0]+seq, w.iss[1]+1
		w.conn.Step(&data, reassembly.A, nil, &w.ev)
		seq += 100
		data.Len, data.Seq, data.Ack = 0, w.iss[1]+1, w.iss[0]+seq
		w.conn.Step(&data, reassembly.B, nil, &w.ev)
	}); n != 0 {
		t.Errorf("data and its ACK cost %g allocations, want none", n)
	}
}

func BenchmarkStep(b *testing.B) {
	w := newWire().open(time.Millisecond)
	data := reassembly.Segment{At: int64(2 * time.Hour), Flags: ack, Len: 100, Window: 500}
	var seq reassembly.Seq = 1
	for b.Loop() {
		data.At += int64(time.Millisecond)
		data.Len, data.Seq, data.Ack = 100, w.iss[0]+seq, w.iss[1]+1
		w.conn.Step(&data, reassembly.A, nil, &w.ev)
		seq += 100
		data.Len, data.Seq, data.Ack = 0, w.iss[1]+1, w.iss[0]+seq
		w.conn.Step(&data, reassembly.B, nil, &w.ev)
	}
}

// The events of one segment come in a fixed order: what it shows of an earlier
// RST, what it acknowledges, what it says of the window, what it sends, and
// Sent.
func TestStep_order(t *testing.T) {
	for _, c := range []struct {
		name  string
		wire  func() *wire
		flags reassembly.Flags
		seq   uint32
		n     uint32
		ack   uint32
		win   uint16
		want  []Kind
	}{
		{"a SYN-ACK", func() *wire { w := newWire(); w.send(0, 0, syn, 0, 0, 0); return w },
			syn | ack, 0, 0, 1, 9, []Kind{SynAcked, AnsweredLate, Advanced, Opened, Sent}},
		{"a SYN-ACK again", func() *wire { return newWire().open(time.Second) },
			syn | ack, 0, 0, 1, 9, []Kind{SynResent, Sent}},
		{"an ACK of data and FIN that shuts the window and carries data and FIN", func() *wire {
			w := newWire().open(time.Second)
			w.send(0, time.Second, fin, 1, 10, 1)
			return w
		}, fin, 1, 10, 12, 0, []Kind{Advanced, FinAcked, WindowShut, DataSent, FinSent, Sent}},
		{"a FIN whose ACK came first, and acknowledges the other's", func() *wire {
			w := newWire().open(time.Second)
			w.send(0, time.Second, fin, 1, 0, 2)
			return w
		}, fin, 1, 0, 2, 9, []Kind{Advanced, FinAcked, FinSent, FinAcked, Sent}},
		{"a FIN again, with its data, that opens the window", func() *wire {
			w := newWire().open(time.Second)
			w.win = 0
			w.send(1, time.Second, fin, 1, 10, 1)
			return w
		}, fin, 1, 10, 1, 9, []Kind{WindowOpened, DataResent, FinResent, Sent}},
		{"a FIN again, bare", func() *wire {
			w := newWire().open(time.Second)
			w.send(1, time.Second, fin, 1, 0, 1)
			return w
		}, fin, 1, 0, 1, 9, []Kind{WindowShrunk, FinResent, Sent}},
		{"another FIN, elsewhere", func() *wire {
			w := newWire().open(time.Second)
			w.send(1, time.Second, fin, 1, 0, 1)
			return w
		}, fin, 2, 0, 1, 9, []Kind{WindowShrunk, SentBeyondFin, Sent}},
		{"payload beyond the FIN", func() *wire {
			w := newWire().open(time.Second)
			w.send(1, time.Second, fin, 1, 0, 1)
			return w
		}, ack, 2, 10, 1, 9, []Kind{WindowShrunk, DataSent, SentBeyondFin, Sent}},
		{"an ACK of what was not seen", func() *wire { return newWire().open(time.Second) },
			ack, 1, 0, 100, 9, []Kind{HoleAcked, Advanced, Sent}},
		{"a probe that acknowledges data", func() *wire {
			w := newWire().open(time.Second)
			w.win = 0
			w.send(0, time.Second, ack, 1, 10, 1)
			return w
		}, ack, 1, 1, 11, 9, []Kind{Advanced, Probed, Sent}},
		{"a keep-alive", func() *wire { return newWire().open(time.Second) },
			ack, 0, 0, 1, 9, []Kind{KeptAlive, Sent}},
		{"data after a minute of silence", func() *wire { w := newWire().open(time.Second); w.now += 59 * time.Second; return w },
			ack, 1, 10, 1, 9, []Kind{DataSent, DataAfterIdle, Sent}},
		{"data after a minute in which its side has said something", func() *wire {
			w := newWire().open(time.Second)
			w.win = 9
			w.send(1, 30*time.Second, ack, 1, 0, 1)
			w.now += 58 * time.Second
			return w
		}, ack, 1, 10, 1, 9, []Kind{DataSent, Sent}},
		{"data after a minute in which its peer has said something", func() *wire {
			w := newWire().open(time.Second)
			w.send(0, 30*time.Second, ack, 1, 0, 1)
			w.now += 58 * time.Second
			return w
		}, ack, 1, 10, 1, 9, []Kind{DataSent, Sent}},
		{"data at the beginning of a capture", newWire, ack, 1, 10, 1, 9, []Kind{DataSent, Sent}},
		{"data behind a doubtful RST", func() *wire {
			w := newWire().open(time.Second)
			w.send(1, time.Second, rst, 500, 0, 0)
			return w
		}, ack, 1, 10, 1, 9, []Kind{ResetIgnored, DataSent, Sent}},
		{"data behind a believed RST", func() *wire {
			w := newWire().open(time.Second)
			w.send(0, time.Second, ack, 1, 10, 1)
			w.send(1, time.Second, rst, 1, 0, 0)
			return w
		}, ack, 1, 10, 11, 9, []Kind{Revived, Advanced, DataSent, Sent}},
		{"a RST in place", func() *wire { return newWire().open(time.Second) }, rst, 1, 0, 0, 0, []Kind{ResetSent, Sent}},
		{"a RST in the window", func() *wire { return newWire().open(time.Second) }, rst, 500, 0, 0, 0, []Kind{ResetDoubted, Sent}},
		{"a RST elsewhere", func() *wire { return newWire().open(time.Second) }, rst, 5000, 0, 0, 0, []Kind{ResetIgnored, Sent}},
		{"a RST behind a RST", func() *wire { w := newWire().open(time.Second); w.send(1, 0, rst, 1, 0, 0); return w },
			rst, 1, 0, 0, 0, []Kind{Sent}},
		{"out of window", func() *wire { return newWire().open(time.Second) }, ack, 1 << 30, 10, 1, 9, []Kind{SentOutOfWindow, Sent}},
	} {
		w := c.wire()
		w.win = c.win
		if got := w.send(1, time.Second, c.flags, c.seq, c.n, c.ack); !slices.Equal(got, c.want) {
			t.Errorf("%s brings %v, want %v", c.name, got, c.want)
		}
		if kinds := On(c.want...); w.ev.Kinds != kinds {
			t.Errorf("%s: Kinds is %b, want %b", c.name, w.ev.Kinds, kinds)
		}
	}
}

// Each segment has one class.
func TestStep_class(t *testing.T) {
	for _, c := range []struct {
		name  string
		wire  func(*wire)
		flags reassembly.Flags
		seq   uint32
		n     uint32
		ack   uint32
		win   uint16
		after time.Duration
		want  Class
	}{
		{"data", nil, ack, 1, 10, 1, 9, time.Second, NewData},
		{"a FIN", nil, fin, 1, 0, 1, 9, time.Second, NewData},
		{"data again", func(w *wire) { w.send(1, 0, ack, 1, 10, 1) }, ack, 1, 10, 1, 9, time.Second, Retransmission},
		{"some data again, and more", func(w *wire) { w.send(1, 0, ack, 1, 10, 1) }, ack, 5, 10, 1, 9, time.Second, Retransmission},
		{"data below an empty segment", func(w *wire) { w.send(1, 0, ack, 31, 0, 1) }, ack, 1, 10, 1, 9, time.Second, Retransmission},
		{"data that an empty segment overtook", func(w *wire) { w.send(1, 0, ack, 31, 0, 1) }, ack, 1, 10, 1, 9, time.Millisecond, NewData},
		{"what follows data below an empty segment", func(w *wire) { w.send(1, 0, ack, 31, 0, 1); w.send(1, time.Second, ack, 1, 10, 1) }, ack, 11, 20, 1, 9, time.Millisecond, Retransmission},
		{"what follows data that was overtaken", func(w *wire) { w.send(1, 0, ack, 31, 0, 1); w.send(1, time.Millisecond, ack, 1, 10, 1) }, ack, 11, 20, 1, 9, time.Second, NewData},
		{"data beyond an empty segment", func(w *wire) { w.send(1, 0, ack, 31, 0, 1); w.send(1, time.Second, ack, 1, 30, 1) }, ack, 31, 10, 1, 9, time.Second, NewData},
		{"one byte again, and more", func(w *wire) { w.send(1, 0, ack, 1, 10, 1) }, ack, 10, 10, 1, 9, time.Second, NewData},
		{"some data again at once, and more", func(w *wire) { w.send(1, 0, ack, 1, 10, 1) }, ack, 5, 10, 1, 9, 2 * time.Millisecond, NewData},
		{"what follows something that is sent again, and more", func(w *wire) {
			w.send(1, 0, ack, 1, 10, 1)
			w.send(1, 0, ack, 11, 10, 1)
			w.send(1, time.Second, ack, 1, 10, 1)
		}, ack, 11, 20, 1, 9, time.Millisecond, Retransmission},
		{"some data again at once after it was sent again, and more", func(w *wire) {
			w.send(1, 0, ack, 1, 10, 1)
			w.send(1, time.Second, ack, 1, 10, 1)
		}, ack, 5, 20, 1, 9, time.Millisecond, NewData},
		{"what follows something that was overtaken, and more", func(w *wire) {
			w.number(4)
			w.send(1, 0, ack, 1, 10, 1)
			w.number(6)
			w.send(1, 0, ack, 21, 10, 1)
			w.number(5)
			w.send(1, time.Millisecond, ack, 11, 10, 1)
			w.number(7)
		}, ack, 21, 20, 1, 9, time.Millisecond, NewData},
		{"data that was overtaken", func(w *wire) { w.number(5); w.send(1, 0, ack, 11, 10, 1); w.number(4) }, ack, 1, 10, 1, 9, time.Millisecond, OutOfOrder},
		{"data that fills a hole late", func(w *wire) { w.send(1, 0, ack, 11, 10, 1) }, ack, 1, 10, 1, 9, time.Minute, Retransmission},
		{"data that fills a hole among resends", func(w *wire) {
			w.send(1, 0, ack, 11, 10, 1)
			w.send(1, 0, ack, 11, 10, 1)
		}, ack, 1, 10, 1, 9, time.Millisecond, Retransmission},
		{"data overtaken by its ACK", func(w *wire) { w.now += time.Hour; w.send(0, time.Hour, ack, 1, 0, 11) }, ack, 1, 10, 1, 9, time.Microsecond, OutOfOrder},
		{"an ACK", func(w *wire) { w.send(0, 0, ack, 1, 10, 1) }, ack, 1, 0, 11, 1000, time.Second, PureAck},
		{"an ACK of nothing new", nil, ack, 1, 0, 1, 1000, time.Second, PureAck},
		{"the ACK again, data in flight", func(w *wire) { w.send(1, 0, ack, 1, 0, 1); w.send(0, 0, ack, 11, 10, 1) }, ack, 1, 0, 1, 1000, time.Second, DupAck},
		{"the ACK again, another window", func(w *wire) { w.send(1, 0, ack, 1, 0, 1) }, ack, 1, 0, 1, 9, time.Second, WindowUpdate},
		{"nothing, below NXT", nil, ack, 0, 0, 1, 9, time.Second, KeepAlive},
		{"an acknowledged byte, below NXT", nil, ack, 0, 1, 1, 9, time.Second, KeepAlive},
		{"a byte in flight, again", func(w *wire) { w.send(1, 0, ack, 1, 1, 1) }, ack, 1, 1, 1, 9, time.Second, Retransmission},
		{"nothing, below NXT, behind a FIN", func(w *wire) { w.send(1, 0, fin, 1, 0, 1) }, ack, 1, 0, 1, 9, time.Second, KeepAlive},
		{"an ACK overtaken by a FIN", func(w *wire) { w.send(1, 0, fin, 1, 0, 1) }, ack, 1, 0, 1, 9, time.Microsecond, PureAck},
		{"nothing, below NXT, window 0", func(w *wire) { w.win = 0; w.send(0, 0, ack, 1, 0, 1) }, ack, 0, 0, 1, 9, time.Second, Probe},
		{"a byte at NXT, window 0", func(w *wire) { w.win = 0; w.send(0, 0, ack, 1, 0, 1) }, ack, 1, 1, 1, 9, time.Second, Probe},
		{"a FIN, window 0", func(w *wire) { w.win = 0; w.send(0, 0, ack, 1, 0, 1) }, fin, 1, 0, 1, 9, time.Second, NewData},
		{"an ACK that answers a RST elsewhere", func(w *wire) { w.send(0, 0, rst, 5000, 0, 0) }, ack, 1, 0, 1, 9, time.Second, ChallengeAck},
		{"an ACK that answers a SYN", func(w *wire) { w.send(0, 0, syn, 7000, 0, 0) }, ack, 1, 0, 1, 9, time.Second, ChallengeAck},
		{"a RST", nil, rst, 1, 0, 0, 0, time.Second, Rst},
		{"a SYN-ACK", nil, syn | ack, 0, 0, 1, 9, time.Second, Syn},
		{"a segment without ACK", nil, reassembly.PSH, 1, 10, 0, 9, time.Second, OutOfWindow},
		{"a segment far away", nil, ack, 1 << 30, 10, 1, 9, time.Second, OutOfWindow},
	} {
		w := newWire().open(time.Second)
		if c.wire != nil {
			c.wire(w)
		}
		w.win = c.win
		if w.send(1, c.after, c.flags, c.seq, c.n, c.ack); w.ev.Class != c.want {
			t.Errorf("%s is classed %q, want %q", c.name, w.ev.Class, c.want)
		}
	}
}

// Counts: each byte once, each resend once.
func TestConn_counts(t *testing.T) {
	w := newWire().open(time.Second)
	w.send(1, 0, ack, 1, 100, 1)
	w.send(1, time.Second, ack, 1, 100, 1)
	w.send(1, time.Second, ack, 51, 100, 1)
	w.send(1, time.Second, fin, 151, 0, 1)
	w.send(1, time.Second, fin, 151, 0, 1)
	w.send(1, time.Second, fin, 101, 50, 1)
	c := &w.conn
	if c.Bytes(reassembly.B) != 150 || c.Packets(reassembly.B) != 7 || c.Retransmissions(reassembly.B) != 4 {
		t.Errorf("%d bytes in %d segments, %d of them again; want 150, 7, 4",
			c.Bytes(reassembly.B), c.Packets(reassembly.B), c.Retransmissions(reassembly.B))
	}
	if got := c.History(); got != "ShAdtf" {
		t.Errorf("the history is %s, want ShAdtf", got)
	}
	tcb := c.TCB(reassembly.B, int64(time.Hour+w.now), time.Minute)
	if tcb.Rexmits != 4 || tcb.RTO != int64(16*c.rto(reassembly.B)) {
		t.Errorf("%d retransmissions in a row, RTO %v; want 4, and the RTO doubled as often", tcb.Rexmits, time.Duration(tcb.RTO))
	}
}

// The four arrows that rest on an ACK that was seen, not known to have arrived,
// and what settles each.
func TestConn_Bounded(t *testing.T) {
	w := newWire()
	for i, c := range []struct {
		side  reassembly.Side
		flags reassembly.Flags
		seq   uint32
		n     uint32
		ack   uint32
		want  [2]bool
	}{
		{0, syn, 0, 0, 0, [2]bool{}},
		{1, syn | ack, 0, 0, 1, [2]bool{}},      // a is in SYN_SENT still
		{0, ack, 1, 0, 1, [2]bool{false, true}}, // b: SYN_RECEIVED to ESTABLISHED
		{0, syn, 7000, 0, 0, [2]bool{false, true}},
		{1, ack, 1, 0, 1, [2]bool{false, true}}, // a host in SYN_RECEIVED challenges that, too
		{1, ack, 1, 10, 1, [2]bool{}},           // it speaks
		{0, fin, 1, 0, 1, [2]bool{}},
		{1, ack, 11, 0, 2, [2]bool{true, false}}, // a: FIN_WAIT_1 to FIN_WAIT_2
		{1, ack, 11, 10, 2, [2]bool{true, false}},
		{0, ack, 2, 0, 11, [2]bool{true, false}}, // this may have crossed the ACK
		{0, ack, 2, 0, 21, [2]bool{}},            // this cannot
		{1, fin, 21, 0, 2, [2]bool{}},
		{0, ack, 2, 0, 22, [2]bool{false, true}}, // b: LAST_ACK to CLOSED
	} {
		w.send(c.side, time.Second, c.flags, c.seq, c.n, c.ack)
		if got := [2]bool{w.conn.Bounded(0), w.conn.Bounded(1)}; got != c.want {
			t.Errorf("after segment %d the states are bounded: %v, want %v", i+1, got, c.want)
		}
	}
}

// RecentBytes counts what was acknowledged although it was not captured, each byte once.
func TestView_RecentBytes_uncaptured(t *testing.T) {
	w := newWire().open(0)
	for _, x := range []struct {
		side      reassembly.Side
		seq, n, a uint32
		want      uint64
	}{
		{1, 1, 100, 1, 100},
		{1, 301, 100, 1, 200}, // what is missing before it may still come
		{0, 1, 0, 401, 400},   // it was received
		{0, 1, 0, 501, 500},   // so was what came after all that was captured
		{1, 501, 10, 1, 510},
		{0, 1, 0, 511, 510},
	} {
		w.send(x.side, 10*time.Millisecond, ack, x.seq, x.n, x.a)
		if got := w.conn.View().Recent(reassembly.B, int64(time.Hour+w.now)).Bytes; got != x.want {
			t.Errorf("after %d:%d ack %d %d bytes are recent, want %d", x.seq, x.seq+x.n, x.a, got, x.want)
		}
	}
}

// RecentBytes counts what came in the current second of the connection and the one
// before, and changes nothing.
func TestView_RecentBytes(t *testing.T) {
	w := newWire().open(0)
	w.send(1, 100*time.Millisecond, ack, 1, 100, 1)
	w.send(1, time.Second, ack, 101, 10, 1)
	before := w.conn
	at := func(d time.Duration) int64 { return int64(time.Hour + w.now + d) }
	for _, c := range []struct {
		after time.Duration
		want  uint64
	}{{time.Hour, 0}, {2 * time.Second, 0}, {time.Second, 10}, {0, 110}} {
		if got := w.conn.View().Recent(reassembly.B, at(c.after)).Bytes; got != c.want {
			t.Errorf("%v later %d bytes are recent, want %d", c.after, got, c.want)
		}
	}
	if w.conn != before {
		t.Error("a question has changed the connection")
	}
}
