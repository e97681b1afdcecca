package fsm

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// sack gives the next segment SACK blocks, relative to the other side's ISN.
func (w *wire) sack(side reassembly.Side, edges ...uint32) {
	w.like = func(seg *reassembly.Segment) {
		for i := 0; i < len(edges); i += 2 {
			iss := w.iss[side.Peer()]
			seg.Opts.Blocks[seg.Opts.NBlocks] = reassembly.Block{From: iss + reassembly.Seq(edges[i]), To: iss + reassembly.Seq(edges[i+1])}
			seg.Opts.NBlocks++
		}
	}
}

// number gives the next segment an IP identification.
func (w *wire) number(id uint16) { w.like = func(seg *reassembly.Segment) { seg.IPID = id } }

// What the receiver says of what is missing, and of what came twice.
func TestStep_sack(t *testing.T) {
	for _, c := range []struct {
		name  string
		edges []uint32
		want  []Kind
	}{
		{"a block beyond the ACK", []uint32{21, 31}, []Kind{HoleShown, Sacked, Sent}},
		{"two blocks beyond the ACK", []uint32{21, 31, 41, 51}, []Kind{HoleShown, Sacked, Sent}},
		{"a block below the ACK", []uint32{1, 11}, []Kind{ArrivedTwice, Sent}},
		{"a block within the next", []uint32{41, 51, 31, 61}, []Kind{ArrivedTwice, HoleShown, Sacked, Sent}},
		{"a block within the one before it", []uint32{31, 61, 41, 51}, []Kind{HoleShown, Sacked, Sent}},
		{"a block that ends before it begins", []uint32{31, 21}, []Kind{Sent}},
		{"a block far beyond", []uint32{1 << 30, 1<<30 + 10}, []Kind{SackOutOfWindow, Sent}},
		{"a block far below", []uint32{3 << 30, 3<<30 + 10}, []Kind{SackOutOfWindow, Sent}},
	} {
		w := newWire().open(time.Millisecond)
		w.send(0, time.Second, ack, 1, 100, 1)
		w.send(1, time.Second, ack, 1, 0, 11)
		w.win++ // so that this is no duplicate ACK
		w.sack(1, c.edges...)
		if got := w.send(1, time.Second, ack, 1, 0, 11); !slices.Equal(got, c.want) {
			t.Errorf("%s brings %v, want %v", c.name, got, c.want)
		}
	}
}

// A hole is shown once, by the third duplicate ACK or by SACK, until something
// new is acknowledged.
func TestStep_holeShown(t *testing.T) {
	w := newWire().open(time.Millisecond)
	w.send(1, 0, ack, 1, 0, 1) // so that what it sends below repeats itself
	w.send(0, time.Second, ack, 1, 100, 1)
	for i, want := range []bool{false, false, true, false} {
		w.send(1, time.Millisecond, ack, 1, 0, 1)
		if got := w.ev.Kinds.Has(HoleShown); got != want {
			t.Errorf("duplicate ACK %d shows a hole: %v", i+1, got)
		}
	}
	w.sack(1, 51, 101)
	if w.send(1, 0, ack, 1, 0, 1); w.ev.Kinds.Has(HoleShown) || !w.conn.View().LossShown(0) {
		t.Error("SACK shows the hole again, or nobody knows of it")
	}
	if w.send(1, 0, ack, 1, 0, 51); w.conn.View().LossShown(0) {
		t.Error("what is missing has been acknowledged")
	}
	w.sack(1, 61, 101)
	if w.send(1, 0, ack, 1, 0, 51); !w.ev.Kinds.Has(HoleShown) {
		t.Error("SACK does not show the next hole")
	}
}

// Duplicate ACKs show nothing missing where the receiver would have said so by SACK, or where
// they say that something came twice.
func TestStep_holeShown_notByDuplicateACKs(t *testing.T) {
	permits := func(has reassembly.OptionBits) func(*reassembly.Segment) {
		return func(seg *reassembly.Segment) { seg.Opts.Has |= has }
	}
	for _, c := range []struct {
		name       string
		a, b, dups reassembly.OptionBits
		twice      bool
		want       bool
	}{
		{name: "without SACK", want: true},
		{name: "SACK permitted by one side", a: reassembly.HasSACKPermitted, want: true},
		{name: "SACK permitted by both", a: reassembly.HasSACKPermitted, b: reassembly.HasSACKPermitted},
		{name: "the same, options cut", a: reassembly.HasSACKPermitted, b: reassembly.HasSACKPermitted, dups: reassembly.OptionsCut, want: true},
		{name: "D-SACK", twice: true},
	} {
		w := newWire()
		w.like = permits(c.a)
		w.send(0, 0, syn, 0, 0, 0)
		w.like = permits(c.b)
		w.send(1, 0, syn|ack, 0, 0, 1)
		w.send(0, 0, ack, 1, 100, 1)
		w.send(1, 0, ack, 1, 0, 51)
		for range 3 {
			if w.like = permits(c.dups); c.twice {
				w.sack(1, 1, 51)
			}
			w.send(1, time.Millisecond, ack, 1, 0, 51)
		}
		if got := w.ev.Kinds.Has(HoleShown); got != c.want {
			t.Errorf("%s: three duplicate ACKs show a hole: %t", c.name, got)
		}
	}
}

// Several segments in a row were late: what overtook them was captured before the first.
func TestStep_lateInARow(t *testing.T) {
	w := newWire().open(time.Millisecond)
	for i, n := range []uint32{0, 3, 5, 1, 2, 4, 6} {
		w.number(uint16(65530 + n))
		w.send(0, time.Second/10, ack, 1+100*n, 100, 1)
		want := NewData
		if i >= 3 && n < 5 {
			want = OutOfOrder
		}
		if w.ev.Class != want {
			t.Errorf("segment %d is called %q, want %q", n, w.ev.Class, want)
		}
	}
	for _, c := range []struct {
		id, greatest uint16
		want         uint8
	}{{5, 5, 0}, {6, 5, 0}, {5, 69, 64}, {5, 70, 0}, {65530, 10, 16}} {
		if got := aheadOf(c.id, c.greatest); got != c.want {
			t.Errorf("behind %d, the greatest %d is ahead by %d, want %d", c.id, c.greatest, got, c.want)
		}
	}
}

// A resend tells how long it took, and the first progress behind it is told.
func TestStep_resend(t *testing.T) {
	w := newWire().open(time.Millisecond)
	w.send(0, time.Second, ack, 1, 100, 1)
	w.send(0, 50*time.Millisecond, ack, 101, 100, 1)
	w.send(0, 200*time.Millisecond, ack, 1, 100, 1)
	ev := w.ev.At(0)
	if ev.N != 200_000 || ev.Age != 250_000 || ev.Place != reassembly.Repeat {
		t.Errorf("sent again after %d µs of silence, %d µs after the first of what is in flight, as %v", ev.N, ev.Age, ev.Place)
	}
	if w.send(1, 0, ack, 1, 0, 1); w.ev.Kinds.Has(ResendAcked) || w.ev.Kinds.Has(NoProgress) {
		t.Errorf("an ACK of nothing new brings %b", w.ev.Kinds)
	}
	for range 2 {
		w.send(0, time.Second, ack, 1, 100, 1)
	}
	if w.send(1, 0, ack, 1, 0, 1); !w.ev.Kinds.Has(NoProgress) {
		t.Error("an ACK of nothing new after the third resend is no rebuff")
	}
	w.sack(1, 101, 201)
	if w.send(1, 0, ack, 1, 0, 1); w.ev.Kinds.Has(NoProgress) {
		t.Error("SACK is a rebuff")
	}
	if w.send(1, 0, ack, 1, 0, 101); !w.ev.Kinds.Has(ResendAcked) {
		t.Error("an ACK of what was sent again is not told")
	}
	if w.send(1, 0, ack, 1, 0, 201); w.ev.Kinds.Has(ResendAcked) {
		t.Error("the ACK behind it is told as well")
	}
}

// What crosses its ACK makes no row: its sender cannot have known. Once it can
// have, the ACK was lost.
func TestStep_crossedAck(t *testing.T) {
	const rtt = 20 * time.Millisecond
	w := newWire().open(rtt / 2)
	w.send(0, time.Second, ack, 1, 100, 1)
	w.send(0, rtt, ack, 1, 100, 1)
	if w.conn.View().Retries(0) != 1 {
		t.Errorf("a segment without an ACK was sent again: %d in a row", w.conn.View().Retries(0))
	}
	w.send(1, 0, ack, 1, 0, 101)
	if w.send(0, rtt, ack, 1, 100, 1); w.conn.View().Retries(0) != 0 || w.conn.Retransmissions(0) != 2 {
		t.Errorf("a resend that crosses its ACK: %d in a row, %d in all", w.conn.View().Retries(0), w.conn.Retransmissions(0))
	}
	if w.send(0, rtt, ack, 1, 100, 1); w.conn.View().Retries(0) != 1 {
		t.Errorf("a resend long behind its ACK: %d in a row", w.conn.View().Retries(0))
	}
}

// What fills a hole was late, or sent again: by its number, by what the receiver
// had shown, or by the time.
func TestStep_filling(t *testing.T) {
	for _, c := range []struct {
		name  string
		shown bool // by SACK
		rtt   time.Duration
		id    uint16 // 100 is the one before
		after time.Duration
		want  Class
	}{
		{"numbered before", true, time.Second, 99, 100 * time.Millisecond, OutOfOrder},
		{"numbered before, but much later", true, time.Second, 99, 2 * time.Second, Retransmission},
		{"numbered behind, and asked for", true, time.Second, 101, 100 * time.Millisecond, Retransmission},
		{"numbered behind, and not asked for", false, time.Second, 101, 100 * time.Millisecond, Retransmission},
		{"numbered far behind, and asked for", true, time.Millisecond / 4, 1000, time.Millisecond, OutOfOrder},
		{"without number, and asked for from afar", true, time.Second, 0, 100 * time.Millisecond, Retransmission},
		{"without number, and asked for from nearby", true, time.Millisecond / 4, 0, time.Millisecond, OutOfOrder},
	} {
		w := newWire().open(c.rtt)
		w.send(0, time.Second, ack, 1, 10, 1)
		w.send(1, c.rtt, ack, 1, 0, 11)
		w.number(100)
		w.send(0, time.Second, ack, 21, 10, 1)
		if c.shown {
			w.sack(1, 21, 31)
			w.send(1, 0, ack, 1, 0, 11)
		}
		w.number(c.id)
		if w.send(0, c.after, ack, 11, 10, 1); w.ev.Class != c.want {
			t.Errorf("%s: %q, want %q", c.name, w.ev.Class, c.want)
		}
		if w.ev.Kinds.Has(DataOutOfOrder) != (c.want == OutOfOrder) {
			t.Errorf("%s: Kinds is %b", c.name, w.ev.Kinds)
		}
	}
}

// What was sent before is late, not sent once more, if its host counts and numbered it before that.
func TestStep_lateOriginal(t *testing.T) {
	for _, c := range []struct {
		name      string
		last, ids uint16
		after     time.Duration
		want      Class
	}{
		{"numbered before", 101, 100, 999 * time.Millisecond, OutOfOrder},
		{"numbered before, but a second later", 101, 100, time.Second, Retransmission},
		{"numbered behind", 101, 102, 100 * time.Millisecond, Retransmission},
		{"numbered before, by a host that does not count", 40_001, 40_000, 100 * time.Millisecond, Retransmission},
		{"without numbers", 0, 0, 100 * time.Millisecond, Retransmission},
	} {
		w := newWire().open(time.Second)
		w.send(0, time.Second, ack, 1, 10, 1)
		w.number(c.last)
		w.send(0, time.Second, ack, 1, 10, 1)
		w.number(c.ids)
		if w.send(0, c.after, ack, 1, 10, 1); w.ev.Class != c.want {
			t.Errorf("%s: %q, want %q", c.name, w.ev.Class, c.want)
		}
	}
}

// An event's payload is its own, whatever else the segment brings.
func TestEvents_ownPayload(t *testing.T) {
	w := newWire().open(time.Second)
	w.send(0, 0, ack, 1, 100, 1)
	w.send(1, time.Second, rst, 500, 0, 0) // in the window, though not in its place
	doubted := w.conn.View().Last(1)
	w.send(1, time.Second, ack, 1, 10, 101)
	found := map[Kind]Event{}
	for i := range w.ev.Len() {
		found[w.ev.At(i).Kind] = w.ev.At(i)
	}
	if ev := found[ResetIgnored]; ev.Was == nil || *ev.Was != doubted {
		t.Errorf("the RST that is ignored goes back to %v, want the RST itself, frame %d", ev.Was, doubted.Frame)
	}
	if found[Advanced].N != 100 || found[DataSent].Was != nil {
		t.Errorf("ADVANCED by %d, want 100; DATA SENT goes back to %v, want nothing", found[Advanced].N, found[DataSent].Was)
	}

	w = newWire()
	w.send(0, 0, syn, 0, 10, 0)
	w.send(1, 10*time.Millisecond, syn|ack, 0, 0, 1) // without the data of Fast PhaseOpen
	synAck := w.conn.View().Last(1)
	w.send(0, 900*time.Millisecond, ack, 1, 10, 1)
	for i := range w.ev.Len() {
		switch ev := w.ev.At(i); ev.Kind {
		case AnsweredLate:
			if *ev.Was != synAck {
				t.Errorf("what was answered late is frame %d, want the SYN-ACK, frame %d", ev.Was.Frame, synAck.Frame)
			}
		case DataResent:
			if ev.Was.Flags != syn || ev.N != 900_000 {
				t.Errorf("the data are sent again %d µs after frame %d, want 900,000 after the SYN", ev.N, ev.Was.Frame)
			}
		}
	}
	if !w.ev.Kinds.Has(AnsweredLate) || !w.ev.Kinds.Has(DataResent) {
		t.Errorf("the ACK brings %b, want ANSWERED LATE and DATA RESENT", w.ev.Kinds)
	}
}
