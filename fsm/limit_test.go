package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name string
		wire func(*wire)
		want Limits
	}{
		{"a whole connection", func(w *wire) { w.open(time.Second) }, 0},
		{"a SYN that is refused", func(w *wire) { w.send(0, 0, syn, 0, 0, 0); w.send(1, 0, reassembly.RST|ack, 0, 0, 1) }, 0},
		{"a SYN alone", func(w *wire) { w.send(0, 0, syn, 0, 0, 0) }, 0},
		{"found running", func(w *wire) { w.send(0, 0, ack, 1, 0, 1); w.send(1, 0, ack, 1, 0, 1) }, Midstream | ScaleUnknown},
		{"one direction, found running", func(w *wire) { w.send(0, 0, ack, 1, 10, 1) }, Midstream | OneSided},
		{"one direction, from the SYN", func(w *wire) { w.send(0, 0, syn, 0, 0, 0); w.send(0, 0, ack, 1, 0, 1) }, OneSided},
		{"without the SYN", func(w *wire) { w.send(1, 0, syn|ack, 0, 0, 1); w.send(0, 0, ack, 1, 0, 1) }, ScaleUnknown},
		{"without the SYN, elsewhere", func(w *wire) {
			w.iss[0] = 100000000
			w.send(1, 0, syn|ack, 0, 0, 1)
			w.send(0, 0, ack, 1, 0, 1)
		}, ScaleUnknown},
		{"acknowledged, not seen", func(w *wire) { w.open(0); w.send(1, 0, ack, 1, 0, 500) }, Holes},
		{"acknowledged, and seen late", func(w *wire) { w.open(0); w.send(1, 0, ack, 1, 0, 11); w.send(0, 0, ack, 1, 10, 1) }, 0},
		{"a hole in flight", func(w *wire) { w.open(0); w.send(1, 0, ack, 11, 10, 1) }, 0},
		{"without a single pure ACK", func(w *wire) {
			w.send(0, 0, ack, 1, 10, 1)
			w.send(1, 0, ack, 1, 10, 11)
			w.send(0, 0, ack, 11, 10, 11)
			w.send(1, 0, ack, 11, 10, 21)
			w.send(1, 0, ack, 21, 10, 21)
		}, Midstream | ScaleUnknown | AcksFiltered},
		{"options cut", func(w *wire) {
			w.open(0)
			seg := reassembly.Segment{At: int64(2 * time.Hour), Flags: ack, Seq: w.iss[0] + 1, Ack: w.iss[1] + 1}
			seg.Opts.Has = reassembly.OptionsCut
			w.conn.Step(&seg, reassembly.A, nil, &w.ev)
		}, CutOptions},
		{"an ICMP error in a text", func(w *wire) {
			w.open(0)
			w.conn.Quote(&reassembly.Segment{At: int64(2 * time.Hour), Seq: w.iss[0] + 1, Missing: reassembly.MissingSeq}, reassembly.A, &w.ev)
		}, SeqUnknown},
		{"copies", func(w *wire) { w.open(0); w.conn.MayBeDuplicates() }, Duplicates},
		{"identifications that skip behind a FIN", func(w *wire) {
			w.open(0)
			w.send(1, 0, fin, 1, 0, 1)
			w.id++ // the other side's do not count
			w.send(1, time.Minute, ack, 2, 0, 1)
		}, LossBeforeTap},
		{"identifications that skip before it", func(w *wire) {
			w.open(0)
			w.id += 2
			w.send(1, 0, fin, 1, 0, 1)
			w.id++
			w.send(0, 0, ack, 1, 0, 2)
			w.id += 2
			w.send(1, 0, ack, 2, 0, 1)
		}, 0},
	} {
		w := newWire()
		if c.wire(w); w.conn.Limits() != c.want {
			t.Errorf("%s: limits %v, want %v", c.name, w.conn.Limits(), c.want)
		}
	}
}

// A hole counts against an absence only from when it came about.
func TestHoleSince(t *testing.T) {
	w := newWire().open(0)
	w.send(1, 100*time.Second, ack, 1, 0, 500)
	at := func(s time.Duration) int64 { return int64(time.Hour + s*time.Second) }
	for s, want := range map[time.Duration]bool{0: true, 99: true, 100: true, 101: false, 500: false} {
		if got := w.conn.holeSince(at(s)); got != want {
			t.Errorf("a hole since second %d: %t; it came in second 100", s, got)
		}
	}
}

func TestLimits_Names(t *testing.T) {
	all := Limits(1<<len(limitNames) - 1)
	if got := len(all.Names()); got != len(limitNames) || SharedID != 1<<(len(limitNames)-1) {
		t.Errorf("%d limits have %d names", len(limitNames), got)
	}
	if got := (Midstream | Evicted).String(); got != "midstream, evicted" {
		t.Errorf("two limits are %q", got)
	}
}
