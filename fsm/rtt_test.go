package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SRTT, RTTVAR and RTO as RFC 6298 2 computes them from samples, with its floor
// of a second, its ceiling, and Karn's rule.
func TestRTO(t *testing.T) {
	ms := time.Millisecond
	for _, c := range []struct {
		name         string
		samples      []time.Duration // negative: the segment was sent again before its ACK
		srtt, rttvar time.Duration
		rto          time.Duration
	}{
		{"without samples", nil, 0, 0, 3 * time.Second},
		{"2.2: the first", []time.Duration{800 * ms}, 800 * ms, 400 * ms, 2400 * ms},
		{"2.4: the floor", []time.Duration{100 * ms}, 100 * ms, 50 * ms, time.Second},
		{"2.3: the next", []time.Duration{800 * ms, 1600 * ms}, 900 * ms, 500 * ms, 2900 * ms},
		{"2.3: and the next", []time.Duration{800 * ms, 1600 * ms, 900 * ms}, 900 * ms, 375 * ms, 2400 * ms},
		{"2.5: the ceiling", []time.Duration{60 * time.Second}, 60 * time.Second, 30 * time.Second, 120 * time.Second},
		{"3: not what was sent twice", []time.Duration{800 * ms, -1600 * ms}, 800 * ms, 400 * ms, 2400 * ms},
	} {
		w := newWire()
		w.send(0, 0, ack, 1, 0, 1)
		w.send(1, 0, ack, 1, 0, 1)
		seq := uint32(1)
		for _, d := range c.samples {
			w.send(1, time.Second, ack, seq, 100, 1)
			if d < 0 {
				d = -d / 2
				w.send(1, d, ack, seq, 100, 1)
			}
			seq += 100
			w.send(0, d, ack, 1, 0, seq)
		}
		tcb := w.conn.TCB(reassembly.B, int64(time.Hour+w.now), time.Minute)
		if tcb.SRTT != int64(c.srtt) || tcb.RTTVar != int64(c.rttvar) || w.conn.rto(reassembly.B) != c.rto {
			t.Errorf("%s: SRTT %v, RTTVAR %v, RTO %v; want %v, %v, %v", c.name,
				time.Duration(tcb.SRTT), time.Duration(tcb.RTTVar), w.conn.rto(reassembly.B), c.srtt, c.rttvar, c.rto)
		}
	}
}

// The handshake times both halves of the way: the server's answer, the client's.
func TestRTT_handshake(t *testing.T) {
	w := newWire()
	w.send(0, 0, syn, 0, 0, 0)
	w.send(1, 30*time.Millisecond, syn|ack, 0, 0, 1)
	w.send(0, 5*time.Millisecond, ack, 1, 0, 1)
	c := &w.conn
	if c.handshakeRTT(reassembly.A) != 5*time.Millisecond || c.handshakeRTT(reassembly.B) != 30*time.Millisecond || c.RTT() != 35*time.Millisecond {
		t.Errorf("answers after %v and %v, RTT %v; want 5 ms, 30 ms, 35 ms", c.handshakeRTT(reassembly.A), c.handshakeRTT(reassembly.B), c.RTT())
	}
	if c.smoothedRTT(reassembly.A) != 30*time.Millisecond || c.smoothedRTT(reassembly.B) != 5*time.Millisecond {
		t.Errorf("SRTT %v and %v; want what the peers took, 30 ms and 5 ms", c.smoothedRTT(reassembly.A), c.smoothedRTT(reassembly.B))
	}
}

// A SYN that was sent again times nothing: which of them was answered?
func TestRTT_handshakeAgain(t *testing.T) {
	w := newWire()
	w.send(0, 0, syn, 0, 0, 0)
	w.send(0, time.Second, syn, 0, 0, 0)
	w.send(1, 30*time.Millisecond, syn|ack, 0, 0, 1)
	w.send(0, 5*time.Millisecond, ack, 1, 0, 1)
	if got := w.conn.handshakeRTT(reassembly.B); got != 0 {
		t.Errorf("the server answered after %v; that is not known", got)
	}
	if got := w.conn.RTT(); got != 5*time.Millisecond {
		t.Errorf("the round trip is %v; want the 5 ms that were timed", got)
	}
	w.send(0, 100*time.Millisecond, ack, 1, 100, 1)
	w.send(1, 3*time.Millisecond, ack, 1, 0, 101)
	if got := w.conn.Relayed(reassembly.B); got != 30*time.Millisecond {
		t.Errorf("what acknowledges for the server is shown by an answer after %v; want 30 ms since the last SYN", got)
	}
}
