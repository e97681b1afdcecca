package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A host counts its packets if two in a row are at most 16 apart.
func TestStep_countsIPIDs(t *testing.T) {
	for id, want := range map[uint16]bool{100: false, 101: true, 116: true, 117: false, 99: false, 0: false} {
		w := newWire().open(time.Millisecond)
		w.number(100)
		w.send(1, 0, ack, 1, 10, 1)
		w.number(id)
		w.send(1, 0, ack, 11, 10, 1)
		if got := w.conn.View().IPHabits(1).CountsIDs; got != want {
			t.Errorf("identification %d behind 100: the host counts: %t", id, got)
		}
	}
}

// A host whose packets have one identification, all but the first, does not count them, and all may be its own.
func TestStep_oneIPID(t *testing.T) {
	w := newWire().open(time.Millisecond)
	for i, seq := range []uint32{1, 21, 11, 41, 31} {
		w.number(100 + uint16(min(i, 1)))
		w.send(1, 0, ack, seq, 10, 1)
	}
	if w.conn.CountsIDs(1) || w.conn.Limits()&SharedID != 0 {
		t.Errorf("one identification for all: the host counts: %t; limits %v", w.conn.CountsIDs(1), w.conn.Limits())
	}
}

// Behind its FIN, a sender whose IP identifications skip a few has sent something that
// did not reach the tap, if the FIN was due again; a sender that skips many does not count.
func TestStep_skippedIDs(t *testing.T) {
	for _, c := range []struct {
		id    uint16
		flags reassembly.Flags
		after time.Duration
		want  bool
	}{
		{101, fin, 3 * time.Second, false},
		{102, fin, 3 * time.Second, true},
		{108, fin, 3 * time.Second, true},
		{109, fin, 3 * time.Second, false},
		{200, fin, 3 * time.Second, false},
		{0, fin, 3 * time.Second, false},
		{102, fin, 2 * time.Second, false}, // it may be the first again
		{102, ack, 2 * time.Second, true},
		{102, ack, time.Second, false},
	} {
		w := newWire().open(time.Millisecond)
		w.number(100)
		w.send(1, 0, fin, 1, 0, 1)
		w.number(c.id)
		w.send(1, c.after, c.flags, 1, 0, 1)
		if got := w.conn.Limits()&LossBeforeTap != 0; got != c.want {
			t.Errorf("identification %d behind 100, %v after it: loss before the tap: %t", c.id, c.after, got)
		}
	}
}

// A pure ACK that comes again within 200 ms answers the peer's; later, a timer may
// have sent it.
func TestStep_ackRepeated(t *testing.T) {
	for after, want := range map[time.Duration]bool{time.Millisecond: true, 199 * time.Millisecond: true, 200 * time.Millisecond: false, time.Second: false} {
		w := newWire().open(time.Millisecond)
		w.send(0, time.Minute, ack, 1, 0, 1)
		w.send(1, 0, ack, 1, 0, 1)
		if w.send(0, after, ack, 1, 0, 1); w.ev.Kinds.Has(AckRepeated) != want {
			t.Errorf("the same ACK again after %v is drawn by the peer's: %t", after, !want)
		}
	}
}

func TestSilence_units(t *testing.T) {
	last := silence(0)
	for _, c := range []struct{ in, want time.Duration }{
		{0, 0},
		{59_996 * time.Millisecond, 59_990 * time.Millisecond},
		{99_999 * time.Millisecond, 99_990 * time.Millisecond},
		{100 * time.Second, 100 * time.Second},
		{350_480 * time.Millisecond, 350_400 * time.Millisecond},
		{1000 * time.Second, 1000 * time.Second},
		{3600_900 * time.Millisecond, 3600 * time.Second},
		{10*time.Hour + 90*time.Second, 10*time.Hour + time.Minute},
		{9 * 24 * time.Hour, 8*24*time.Hour + 10*time.Hour + 15*time.Minute},
	} {
		s := silenceOf(int64(c.in))
		if got := s.duration(); got != c.want {
			t.Errorf("%v: got %v, want %v", c.in, got, c.want)
		}
		if s < last {
			t.Errorf("%v: %d is less than %d of something shorter", c.in, s, last)
		}
		last = s
	}
}
