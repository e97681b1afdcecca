package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A segment is side, SEQ, payload and ACK.
type sent struct {
	side        reassembly.Side
	seq, n, ack uint32
}

// Millions of bytes are missing from the capture. A segment far outside the sequence space
// is accepted once another one confirms it: half of one fits the connection, or the other
// side says the same. One alone is not.
func TestStep_captureHole(t *testing.T) {
	const far = 5_000_000
	for _, c := range []struct {
		name     string
		segments []sent
		want     []Class
	}{
		{"the peer acknowledges what lies far off", []sent{{0, far, 10, 1}, {1, 1, 0, far + 10}, {0, far + 10, 10, 1}},
			[]Class{OutOfWindow, PureAck, NewData}},
		{"its side goes on from there", []sent{{0, far, 10, 1}, {0, far + 10, 10, 1}},
			[]Class{OutOfWindow, NewData}},
		{"both directions are missing, and the peer fits in", []sent{{0, far, 10, far}, {1, far, 10, far + 10}, {0, far + 10, 0, far + 10}},
			[]Class{OutOfWindow, NewData, PureAck}},
		{"both directions, and its own side goes on: that may be another connection", []sent{{0, far, 10, far}, {0, far + 10, 10, far}},
			[]Class{OutOfWindow, OutOfWindow}},
		{"two places that have nothing to do with one another", []sent{{0, far, 10, 1}, {0, 3 * far, 10, 1}},
			[]Class{OutOfWindow, OutOfWindow}},
		{"the peer acknowledges something else", []sent{{0, far, 10, 1}, {1, 1, 0, 3 * far}},
			[]Class{OutOfWindow, OutOfWindow}},
		{"an ACK of what was never sent, twice", []sent{{1, 1, 0, far}, {1, 1, 0, far}},
			[]Class{OutOfWindow, PureAck}},
	} {
		w := newWire().open(10 * ms)
		for i, s := range c.segments {
			w.send(s.side, time.Second, ack, s.seq, s.n, s.ack)
			if got := w.ev.Class; got != c.want[i] {
				t.Errorf("%s: segment %d is called %q, want %q", c.name, i+1, got, c.want[i])
			}
		}
		at := int64(time.Hour + w.now)
		accepted := w.ev.Class != OutOfWindow
		if got := w.conn.View().HoleSince(at-int64(time.Second)) && w.conn.Limits()&Holes != 0; got != accepted {
			t.Errorf("%s: a hole is noted: %t, want %t", c.name, got, accepted)
		}
	}
}

// A SYN that nothing has answered yet: any number of its peer would do, so that nothing
// confirms anything.
func TestStep_captureHole_unanswered(t *testing.T) {
	w := newWire()
	w.send(0, 0, syn, 0, 0, 0)
	for range 3 {
		w.send(1, time.Second, ack, 7000, 0, 50_000_000)
		if w.ev.Class != OutOfWindow {
			t.Errorf("an ACK of another connection is called %q", w.ev.Class)
		}
	}
}

// A hole that is filled late: reordering or a retransmission, by IP ID, by what the peer
// has shown, and by time.
func TestStep_fillingHole(t *testing.T) {
	id := func(w *wire, id uint16) { w.like = func(seg *reassembly.Segment) { seg.IPID = id } }
	hole := func(w *wire, overtaker uint16) {
		id(w, overtaker)
		w.send(0, time.Second, ack, 101, 100, 1)
	}
	dup := func(w *wire) {
		for range 3 {
			w.send(1, 1*ms, ack, 1, 0, 1)
		}
	}
	for _, c := range []struct {
		name  string
		then  func(*wire)
		id    uint16
		after time.Duration
		want  Class
	}{
		{"numbered before what overtook it", func(w *wire) { hole(w, 100) }, 99, 999 * ms, OutOfOrder},
		{"the same a second later: no network holds it back for so long", func(w *wire) { hole(w, 100) }, 99, time.Second, Retransmission},
		{"numbered 64 before", func(w *wire) { hole(w, 100) }, 36, 999 * ms, OutOfOrder},
		{"65 before: its host does not count", func(w *wire) { hole(w, 100) }, 35, 999 * ms, Retransmission},
		{"numbered behind it, and asked for", func(w *wire) { hole(w, 100); dup(w) }, 101, 1 * ms, Retransmission},
		{"numbered 64 behind it", func(w *wire) { hole(w, 100); dup(w) }, 164, 1 * ms, Retransmission},
		{"numbered behind it by a host that counts, though not asked for", func(w *wire) { hole(w, 100) }, 101, 1 * ms, Retransmission},
		{"numbered behind it by a host that does not count: too soon for a retransmission", func(w *wire) { hole(w, 40_000) }, 40_001, 1 * ms, OutOfOrder},
		{"no numbers, and within the round trip of 4 ms", func(w *wire) { hole(w, 0) }, 0, 3 * ms, OutOfOrder},
		{"no numbers, after the round trip", func(w *wire) { hole(w, 0) }, 0, 4 * ms, Retransmission},
	} {
		w := newWire().open(2 * ms)
		c.then(w)
		id(w, c.id)
		w.send(0, c.after, ack, 1, 100, 1)
		if got := w.ev.Class; got != c.want {
			t.Errorf("%s: it is called %q, want %q", c.name, got, c.want)
		}
	}
	// Of hosts that do not count, what was asked for was sent again if the peer is so far
	// away that it cannot have been asked for too soon: 3 ms.
	for rtt, want := range map[time.Duration]Class{2 * ms: OutOfOrder, 3 * ms: Retransmission} {
		w := newWire().open(rtt)
		hole(w, 0)
		dup(w)
		id(w, 0)
		w.send(0, 1*ms/2, ack, 1, 100, 1)
		if got := w.ev.Class; got != want {
			t.Errorf("asked for, at a distance of %v: it is called %q, want %q", rtt, got, want)
		}
	}
}
