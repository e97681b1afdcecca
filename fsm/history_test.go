package fsm

import (
	"testing"
	"time"
)

// One letter for each new fact, capitals for the side that opened, each once.
func TestHistory(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name, want string
		then       func(*wire)
	}{
		{"handshake", "ShA", func(w *wire) {}},
		{"data and ACKs", "ShADad", func(w *wire) {
			w.send(0, s, ack, 1, 10, 1)
			w.send(1, 0, ack, 1, 0, 11)
			w.send(1, 0, ack, 1, 10, 11)
			w.send(0, 0, ack, 11, 10, 11) // again
		}},
		{"sent again", "ShADT", func(w *wire) { w.send(0, s, ack, 1, 10, 1); w.send(0, s, ack, 1, 10, 1) }},
		{"SYN sent again", "S", func(w *wire) { *w = *newWire(); w.send(0, 0, syn, 0, 0, 0); w.send(0, s, syn, 0, 0, 0) }},
		{"FIN, and again", "ShAFTaf", func(w *wire) {
			w.send(0, s, fin, 1, 0, 1)
			w.send(0, s, fin, 1, 0, 1)
			w.send(1, 0, ack, 1, 0, 2)
			w.send(1, s, fin, 1, 0, 2)
		}},
		{"data with the FIN", "ShADF", func(w *wire) { w.send(0, s, fin, 1, 10, 1) }},
		{"RST", "ShAr", func(w *wire) { w.send(1, s, rst|ack, 1, 0, 1) }},
		{"keep-alive", "ShAKa", func(w *wire) { w.send(0, s, ack, 0, 0, 1); w.send(1, 0, ack, 1, 0, 1) }},
		{"closed window, and probes", "ShADawP", func(w *wire) {
			w.send(0, s, ack, 1, 10, 1)
			w.win = 0
			w.send(1, 0, ack, 1, 0, 11)
			w.win = 1000
			w.send(0, s, ack, 11, 1, 1)
			w.send(0, s, ack, 11, 1, 1)
		}},
		{"what the tap has not seen", "ShAaG", func(w *wire) { w.send(1, s, ack, 1, 0, 11) }},
		{"twelve at most", "ShADadKkTtfF", func(w *wire) {
			w.send(0, s, ack, 1, 10, 1)
			w.send(1, 0, ack, 1, 0, 11)
			w.send(1, 0, ack, 1, 10, 11)
			w.send(0, 0, ack, 11, 0, 11)
			w.send(0, s, ack, 10, 0, 11) // keep-alives
			w.send(1, s, ack, 10, 0, 11)
			w.send(0, s, ack, 11, 10, 11)
			w.send(0, s, ack, 11, 10, 11)
			w.send(1, s, ack, 11, 10, 11)
			w.send(1, s, ack, 11, 10, 11)
			w.send(1, s, fin, 21, 0, 21)
			w.send(0, s, fin, 21, 0, 22)
			w.send(0, s, rst, 22, 0, 22)
		}},
	} {
		w := newWire().open(10 * time.Millisecond)
		c.then(w)
		if got := w.conn.History(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
