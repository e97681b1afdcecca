package detectors_test

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		999 * time.Microsecond: "999 µs", time.Millisecond: "1 ms", 999 * time.Millisecond: "999 ms", time.Second: "1.0 s",
		999600 * time.Nanosecond: "1 ms", 6600 * time.Microsecond: "6.6 ms", 9949 * time.Microsecond: "9.9 ms", 9950 * time.Microsecond: "10 ms",
		999600 * time.Microsecond: "1.0 s", 99949 * time.Millisecond: "99.9 s", 99950 * time.Millisecond: "100 s", 99900 * time.Millisecond: "99.9 s", 100 * time.Second: "100 s", 7199 * time.Second: "7199 s", 2 * time.Hour: "2.0 hours",
		47 * time.Hour: "47.0 hours", 48 * time.Hour: "2.0 days", 60 * time.Hour: "2.5 days",
	} {
		if got := detectors.Span(int64(d)); got != want {
			t.Errorf("Span(%v) is %q, want %q", d, got, want)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999999: "999 µs", 9949 * time.Microsecond: "9.9 ms", 9999 * time.Microsecond: "9.9 ms", 1767 * time.Millisecond: "1.7 s", 999900 * time.Microsecond: "999 ms", 127900 * time.Microsecond: "127 ms",
		99949 * time.Millisecond: "99.9 s", 123900 * time.Millisecond: "123 s",
	} {
		if got := detectors.AtLeast(int64(d)); got != want {
			t.Errorf("AtLeast(%v) is %q, want %q", d, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		first, last time.Duration
		n           int
		want        float64
	}{
		{time.Second, 2 * time.Second, 3, 2}, // two intervals
		{time.Second, 8 * time.Second, 5, 2},
		{time.Second, time.Second, 9, 1},
		{2 * time.Second, time.Second, 3, .5},
		{time.Second, 2 * time.Second, 4, 1.41},
		{time.Second, 8 * time.Second, 2, 1}, // one interval grows by nothing
		{0, time.Second, 3, 1},
		{time.Second, 0, 3, 1},
	} {
		if got := detectors.Backoff(int64(c.first), int64(c.last), c.n); got != c.want {
			t.Errorf("Backoff from %v to %v in %d sends is %v, want %v", c.first, c.last, c.n, got, c.want)
		}
	}
}

// viewOf is the connection as the trace leaves it. The client is side A.
func viewOf(t *testing.T, trace string) fsm.View {
	t.Helper()
	f, err := scenario.Parse("x", []byte(trace))
	if err != nil {
		t.Fatal(err)
	}
	c, ev := new(fsm.Conn), new(fsm.Events)
	for i, seg := range f.Traces[0].Segments() {
		if i == 0 {
			c.Begin(&seg)
		}
		_, fromLo := reassembly.KeyOf(&seg)
		c.Step(&seg, c.SideOf(fromLo), nil, ev)
	}
	return c.View()
}

const handshake = `0.000  client > server  S   0:0(0)           win 1000 <mss 1000>
+.010  server > client  S.  0:0(0)   ack 1   win 1000 <mss 1460>
+.010  client > server  .   1:1(0)   ack 1   win 1000
`

// Facts about each side, by what the last segments of a connection say.
func TestFacts(t *testing.T) {
	const A, B = reassembly.A, reassembly.B
	side := func(f func(fsm.View, reassembly.Side) bool, s reassembly.Side) func(fsm.View) bool {
		return func(v fsm.View) bool { return f(v, s) }
	}
	over, smallOf, halfClosed := detectors.Over, detectors.WindowSmall, detectors.HalfClosed
	for _, c := range []struct {
		name  string
		fact  func(fsm.View) bool
		trace string
		want  bool
	}{
		{"over: one FIN is acknowledged", over, "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 2 win 1000\n", false},
		{"over: the other FIN is acknowledged", over, "+1 server > client F. 1:1(0) ack 1 win 1000\n+.010 client > server . 1:1(0) ack 2 win 1000\n", false},
		{"over: both FINs are acknowledged", over, "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client F. 1:1(0) ack 2 win 1000\n+.010 client > server . 2:2(0) ack 2 win 1000\n", true},
		{"over: reset", over, "+1 client > server R. 1:1(0) ack 1 win 0\n", true},

		{"small: 959 of 1000, with 40 bytes of options", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 1919\n+1 client > server . 1:1(0) ack 1 win 959\n", true},
		{"small: half of what it has offered", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 1918\n+1 client > server . 1:1(0) ack 1 win 959\n", false},
		{"small: 536 of 1000, which was all along", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 536\n", false},
		{"small: 535 of 1000", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 535\n", true},
		{"small: 960 of 1000 is a full segment", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 2000\n+1 client > server . 1:1(0) ack 1 win 960\n", false},
		{"small: a window of 0 is shut", side(smallOf, A), "+1 client > server . 1:1(0) ack 1 win 0\n", false},
		{"small: the other side's window", side(smallOf, B), "+1 server > client . 1:1(0) ack 1 win 2001\n+1 server > client . 1:1(0) ack 1 win 1000\n", true}, // of 1460
		{"small: the other side's window is as it was", side(smallOf, B), "+1 client > server . 1:1(0) ack 1 win 959\n", false},

		{"half closed: the client has closed", side(halfClosed, A), "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 2 win 1000\n", true},
		{"half closed: the server has not", side(halfClosed, B), "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 2 win 1000\n", false},
		{"half closed: the FIN is not acknowledged", side(halfClosed, A), "+1 client > server F. 1:1(0) ack 1 win 1000\n", false},
		{"half closed: the server has sent FIN too", side(halfClosed, A), "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client F. 1:1(0) ack 2 win 1000\n", false},
		{"half closed: reset", side(halfClosed, A), "+1 client > server F. 1:1(0) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 2 win 1000\n+1 server > client R. 1:1(0) ack 2 win 0\n", false},
	} {
		if got := c.fact(viewOf(t, handshake+c.trace)); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
	if detectors.WindowSmall(viewOf(t, "0 server > client S. 0:0(0) ack 1 win 1000 <mss 1460>\n+.010 client > server . 1:1(0) ack 1 win 1000\n+1 server > client . 1:1(0) ack 1 win 10\n"), B) {
		t.Error("a window whose scale was not captured is called small")
	}
}

// The last segment of the client is a keep-alive, a window probe, or neither.
func TestIsProbe(t *testing.T) {
	const acked = "+1 client > server P. 1:11(10) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 11 win "
	for _, c := range []struct {
		name, trace string
		want        bool
	}{
		{"nothing, at SND.NXT-1", acked + "1000\n+1 client > server . 10:10(0) ack 1 win 1000\n", true},
		{"a byte there that was acknowledged", acked + "1000\n+1 client > server . 10:11(1) ack 1 win 1000\n", true},
		{"a byte of data that was acknowledged", acked + "1000\n+1 client > server P. 11:12(1) ack 1 win 1000\n+.010 server > client . 1:1(0) ack 12 win 1000\n", false},
		{"two bytes", acked + "1000\n+1 client > server . 9:11(2) ack 1 win 1000\n", false},
		{"nothing, at SND.NXT", acked + "1000\n+1 client > server . 11:11(0) ack 1 win 1000\n", false},
		{"a byte of data", acked + "1000\n+1 client > server P. 11:12(1) ack 1 win 1000\n", false},
		{"a byte into a window of 0", acked + "0\n+1 client > server . 11:12(1) ack 1 win 1000\n", true},
		{"two bytes into a window of 0", acked + "0\n+1 client > server . 11:13(2) ack 1 win 1000\n", false},
		{"an ACK at a window of 0", acked + "0\n+1 client > server . 11:11(0) ack 1 win 1000\n", false},
		{"a byte, while its own window is 0", "+1 server > client P. 1:11(10) ack 1 win 1000\n+.010 client > server . 1:1(0) ack 11 win 0\n+.010 client > server P. 1:2(1) ack 11 win 0\n", false},
		{"a FIN there", acked + "1000\n+1 client > server F. 10:10(0) ack 1 win 1000\n", false},
	} {
		v := viewOf(t, handshake+c.trace)
		last := v.Last(reassembly.A)
		if got := detectors.IsProbe(v, reassembly.A, &last); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}

// RFC 9293 3.10.7.1.
func TestAnswers(t *testing.T) {
	ack := reassembly.Mark{Seq: 100, Ack: 500, Len: 10, Flags: reassembly.ACK}
	syn := reassembly.Mark{Seq: 100, Flags: reassembly.SYN}
	for _, c := range []struct {
		name     string
		rst, seg reassembly.Mark
		want     bool
	}{
		{"bare, at the ACK", reassembly.Mark{Seq: 500, Flags: reassembly.RST}, ack, true},
		{"bare, elsewhere", reassembly.Mark{Seq: 501, Flags: reassembly.RST}, ack, false},
		{"bare, to a segment without ACK", reassembly.Mark{Seq: 0, Flags: reassembly.RST}, syn, false},
		{"ACK of what it sent", reassembly.Mark{Ack: 110, Flags: reassembly.RST | reassembly.ACK}, ack, true},
		{"ACK of less", reassembly.Mark{Seq: 500, Ack: 100, Flags: reassembly.RST | reassembly.ACK}, ack, false},
		{"ACK of the SYN", reassembly.Mark{Ack: 101, Flags: reassembly.RST | reassembly.ACK}, syn, true},
	} {
		if got := detectors.Answers(&c.rst, &c.seg); got != c.want {
			t.Errorf("%s: %t, want %t", c.name, got, c.want)
		}
	}
}
