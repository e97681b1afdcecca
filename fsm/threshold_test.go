package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const ms = time.Millisecond

// Whether a segment brings an event or not, on both sides of each threshold.
func TestStep_thresholds(t *testing.T) {
	wide := func(w *wire) *wire { w.win = 2000; return w }
	// asked: the client sends 100 bytes, and the server acknowledges them after a while. The
	// handshake took 10 ms each way.
	asked := func(after time.Duration) *wire {
		w := wide(newWire().open(10 * ms))
		w.send(0, time.Second, ack, 1, 100, 1)
		w.send(1, after, ack, 1, 0, 101)
		return w
	}
	roomy := func(window uint16) *wire {
		w := wide(newWire().open(10 * ms))
		w.send(0, time.Second, ack, 1, 100, 1)
		w.win = window
		w.send(1, 60*ms, ack, 1, 0, 101)
		return w
	}
	// shut: 100 bytes are in flight when the server's window closes. The round trip of data
	// is as given.
	shut := func(rtt time.Duration) *wire {
		w := newWire().open(rtt)
		w.send(0, time.Second, ack, 1, 100, 1)
		w.win = 0
		w.send(1, rtt, ack, 1, 0, 1)
		w.win = 1000
		return w
	}
	shrunkAs := func(rtt time.Duration, id uint16) *wire {
		w := newWire().open(rtt)
		w.send(0, time.Second, ack, 1, 0, 1)
		w.win = 900
		w.like = func(s *reassembly.Segment) { s.IPID = id }
		return w
	}
	shrunk := func(rtt time.Duration) *wire { return shrunkAs(rtt, 0) }
	for _, c := range []struct {
		name  string
		wire  func() *wire
		side  reassembly.Side
		after time.Duration
		flags reassembly.Flags
		seq   uint32
		n     uint32
		ack   uint32
		kind  Kind
		want  bool
	}{
		{"a SYN-ACK after 199 ms", func() *wire { w := newWire(); w.send(0, 0, syn, 0, 0, 0); return w }, 1, 199 * ms, syn | ack, 0, 0, 1, AnsweredLate, false},
		{"a SYN-ACK after 200 ms", func() *wire { w := newWire(); w.send(0, 0, syn, 0, 0, 0); return w }, 1, 200 * ms, syn | ack, 0, 0, 1, AnsweredLate, true},

		{"an ACK 34 ms later than the path explains", func() *wire { return asked(44 * ms) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"an ACK 35 ms later", func() *wire { return asked(45 * ms) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, true},
		{"an ACK 500 ms later", func() *wire { return asked(510 * ms) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, true},
		{"an ACK 501 ms later", func() *wire { return asked(511 * ms) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"data sooner than the path allows", func() *wire { return asked(60 * ms) }, 0, 1 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"data as soon as it allows", func() *wire { return asked(60 * ms) }, 0, 2 * ms, ack, 101, 100, 1, NagleDelay, true},
		{"data as late as it explains", func() *wire { return asked(60 * ms) }, 0, 18 * ms, ack, 101, 100, 1, NagleDelay, true},
		{"data later", func() *wire { return asked(60 * ms) }, 0, 19 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"less than a full segment", func() *wire { return asked(60 * ms) }, 0, 10 * ms, ack, 101, 495, 1, NagleDelay, true},
		{"a full segment, with 40 bytes of options", func() *wire { return asked(60 * ms) }, 0, 10 * ms, ack, 101, 496, 1, NagleDelay, false},
		{"room for two full segments", func() *wire { return roomy(1072) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, true},
		{"no room for two", func() *wire { return roomy(1071) }, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"an ACK of less", func() *wire {
			w := wide(newWire().open(10 * ms))
			w.send(0, time.Second, ack, 1, 100, 1)
			w.send(1, 60*ms, ack, 1, 0, 51)
			return w
		}, 0, 10 * ms, ack, 101, 100, 1, NagleDelay, false},
		{"an ACK with data", func() *wire {
			w := wide(newWire().open(10 * ms))
			w.send(0, time.Second, ack, 1, 100, 1)
			w.send(1, 60*ms, ack, 1, 1, 101)
			return w
		}, 0, 10 * ms, ack, 101, 100, 2, NagleDelay, false},

		{"a whole segment 199 ms after the window closed", func() *wire { return shut(10 * ms) }, 0, 199 * ms, ack, 1, 100, 1, Probed, false},
		{"a whole segment after 200 ms", func() *wire { return shut(10 * ms) }, 0, 200 * ms, ack, 1, 100, 1, Probed, true},
		{"sooner than the round trip of 300 ms", func() *wire { return shut(300 * ms) }, 0, 299 * ms, ack, 1, 100, 1, Probed, false},
		{"after that round trip", func() *wire { return shut(300 * ms) }, 0, 300 * ms, ack, 1, 100, 1, Probed, true},
		{"one byte, however soon", func() *wire { return shut(10 * ms) }, 0, 1 * ms, ack, 101, 1, 1, Probed, true},
		{"two bytes", func() *wire { return shut(10 * ms) }, 0, 1 * ms, ack, 101, 2, 1, Probed, false},

		{"nothing below SND.NXT, 3 ms after data", func() *wire {
			w := newWire().open(1 * ms)
			w.send(0, time.Second, ack, 1, 1, 1)
			return w
		}, 0, 3 * ms, ack, 1, 0, 1, KeptAlive, true},
		{"nothing there, sooner: captured late", func() *wire {
			w := newWire().open(1 * ms)
			w.send(0, time.Second, ack, 1, 1, 1)
			return w
		}, 0, 2 * ms, ack, 1, 0, 1, KeptAlive, false},

		{"a smaller window 3 ms later, round trip 2 ms", func() *wire { return shrunk(1 * ms) }, 0, 3 * ms, ack, 1, 0, 1, WindowShrunk, false},
		{"a smaller window 4 ms later", func() *wire { return shrunk(1 * ms) }, 0, 4 * ms, ack, 1, 0, 1, WindowShrunk, true},
		{"within the round trip of 20 ms", func() *wire { return shrunk(10 * ms) }, 0, 20 * ms, ack, 1, 0, 1, WindowShrunk, false},
		{"later than that", func() *wire { return shrunk(10 * ms) }, 0, 21 * ms, ack, 1, 0, 1, WindowShrunk, true},
		{"a smaller window at once, numbered after", func() *wire { return shrunkAs(10*ms, 5) }, 0, 1 * ms, ack, 1, 0, 1, WindowShrunk, true},
		{"numbered too far after to tell", func() *wire { return shrunkAs(10*ms, 4+65) }, 0, 1 * ms, ack, 1, 0, 1, WindowShrunk, false},
		{"a smaller window later, but numbered before", func() *wire { return shrunkAs(10*ms, 2) }, 0, 21 * ms, ack, 1, 0, 1, WindowShrunk, false},

		{"data 3 ms after a RST of its side", func() *wire {
			w := newWire().open(1 * ms)
			w.send(0, time.Second, rst|ack, 1, 0, 1)
			return w
		}, 0, 3 * ms, ack, 1, 100, 1, Revived, false},
		{"data later than that", func() *wire {
			w := newWire().open(1 * ms)
			w.send(0, time.Second, rst|ack, 1, 0, 1)
			return w
		}, 0, 4 * ms, ack, 1, 100, 1, Revived, true},

		{"an ACK again, and only an ACK came in between", func() *wire {
			w := newWire().open(10 * ms)
			w.send(0, time.Second, ack, 1, 0, 1)
			w.send(1, 1*ms, ack, 1, 0, 1)
			return w
		}, 0, 1 * ms, ack, 1, 0, 1, AckRepeated, true},
		{"the same at a closed window", func() *wire {
			w := newWire().open(10 * ms)
			w.send(0, time.Second, ack, 1, 0, 1)
			w.win = 0
			w.send(1, 1*ms, ack, 1, 0, 1)
			w.win = 1000
			return w
		}, 0, 1 * ms, ack, 1, 0, 1, AckRepeated, false},
		{"the same, with its own window closed", func() *wire {
			w := newWire().open(10 * ms)
			w.win = 0
			w.send(0, time.Second, ack, 1, 0, 1)
			w.send(1, 1*ms, ack, 1, 0, 1)
			return w
		}, 0, 1 * ms, ack, 1, 0, 1, AckRepeated, false},
		{"the same, behind data of its own", func() *wire {
			w := newWire().open(10 * ms)
			w.send(0, time.Second, ack, 1, 0, 1)
			w.send(1, 1*ms, ack, 1, 10, 1)
			return w
		}, 0, 1 * ms, ack, 1, 0, 1, AckRepeated, false},
	} {
		w := c.wire()
		w.send(c.side, c.after, c.flags, c.seq, c.n, c.ack)
		if got := w.ev.Kinds.Has(c.kind); got != c.want {
			t.Errorf("%s brings event %d: %t, want %t", c.name, c.kind, got, c.want)
		}
	}
}
