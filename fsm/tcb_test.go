package fsm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// withSYN has the next segment carry an MSS and a window scale.
func (w *wire) withSYN(mss uint16, scale uint8) *wire {
	w.like = func(seg *reassembly.Segment) {
		seg.Opts.Has = reassembly.HasMSS | reassembly.HasScale
		seg.Opts.MSS, seg.Opts.Scale = mss, scale
	}
	return w
}

// opened is a connection after its handshake, 10 ms each way.
func opened() *wire {
	w := newWire()
	w.withSYN(1400, 7).send(0, 0, syn, 0, 0, 0)
	w.withSYN(1460, 2).send(1, 10*time.Millisecond, syn|ack, 0, 0, 1)
	w.send(0, 10*time.Millisecond, ack, 1, 0, 1)
	return w
}

// tcb is what is known of the side's control block a second after the last segment, in
// words, with numbers relative to the ISNs.
func (w *wire) tcb(side reassembly.Side) string {
	t := w.conn.TCB(side, int64(time.Hour+w.now+time.Second), time.Minute)
	own, peer := w.iss[side], w.iss[side.Peer()]
	var words []string
	say := func(f TCBField, format string, values ...any) {
		if t.Known&f == f {
			words = append(words, fmt.Sprintf(format, values...))
		}
	}
	say(KnowISS, "iss %d", t.ISS-own)
	say(KnowIRS, "irs %d", t.IRS-peer)
	say(KnowSndUna, "una %d", t.SndUna-own)
	say(KnowSndNxt, "nxt %d", t.SndNxt-own)
	say(KnowSndWnd, "wnd %d of %d", t.SndWnd, t.MaxWnd)
	say(KnowSndWL, "wl %d %d", t.SndWL1-peer, t.SndWL2-own)
	say(KnowRcvNxt, "rcv %d", t.RcvNxt-peer)
	say(KnowRcvWnd, "rcvwnd %d", t.RcvWnd)
	say(KnowSndScale, "scale %d", t.SndScale)
	say(KnowRcvScale, "%d", t.RcvScale)
	say(KnowMSS, "mss %d", t.MSS)
	say(KnowRTT, "rtt %v %v", time.Duration(t.SRTT), time.Duration(t.RTTVar))
	say(0, "rto %v", time.Duration(t.RTO))
	say(KnowFIN, "fin %d", t.FIN-own)
	say(KnowLastAck, "acked %d", t.LastAckSent-peer)
	say(KnowOpener, "%s", map[bool]string{true: "active", false: "passive"}[t.ActiveOpen])
	if t.Rexmits > 0 {
		words = append(words, fmt.Sprint("resent ", t.Rexmits))
	}
	if t.Probing {
		words = append(words, "probing")
	}
	if t.Probes > 0 {
		words = append(words, fmt.Sprint("probes ", t.Probes))
	}
	return strings.Join(append(words, t.Timers...), ", ")
}

// What the wire shows of both control blocks.
func TestTCB(t *testing.T) {
	const ms = time.Millisecond
	data := func(w *wire) { w.send(0, time.Second, ack, 1, 100, 1) }
	for _, c := range []struct {
		name  string
		begin func() *wire
		then  func(*wire)
		a, b  string
	}{
		{"handshake", opened, func(w *wire) {},
			"iss 0, irs 0, una 1, nxt 1, wnd 1000 of 1000, wl 0 1, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 5ms, rto 1s, acked 1, active",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 1, rcvwnd 1000, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 1, passive"},
		{"data in flight", opened, data,
			"iss 0, irs 0, una 1, nxt 101, wnd 1000 of 1000, wl 0 1, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 5ms, rto 1s, acked 1, active, retransmit",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 1, rcvwnd 1000, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 1, passive"},
		{"sent again twice", opened, func(w *wire) { data(w); data(w); data(w) },
			"iss 0, irs 0, una 1, nxt 101, wnd 1000 of 1000, wl 0 1, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 5ms, rto 4s, acked 1, active, resent 2, retransmit",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 1, rcvwnd 1000, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 1, passive"},
		{"sent again for long", opened, func(w *wire) {
			for range 10 {
				data(w)
			}
		},
			"iss 0, irs 0, una 1, nxt 101, wnd 1000 of 1000, wl 0 1, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 5ms, rto 2m0s, acked 1, active, resent 9, retransmit",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 1, rcvwnd 1000, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 1, passive"},
		{"window closed", opened, func(w *wire) {
			data(w)
			w.win = 0
			w.send(1, 10*ms, ack, 1, 0, 101)
		},
			"iss 0, irs 0, una 101, nxt 101, wnd 0 of 1000, wl 1 101, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 3.75ms, rto 1s, acked 1, active, persist",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 101, rcvwnd 0, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 101, passive"},
		{"probed twice", opened, func(w *wire) {
			data(w)
			w.win = 0
			w.send(1, 10*ms, ack, 1, 0, 101)
			w.win = 1000
			w.send(0, time.Second, ack, 101, 1, 1)
			w.send(0, time.Second, ack, 101, 1, 1)
		},
			"iss 0, irs 0, una 101, nxt 102, wnd 0 of 1000, wl 1 101, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 3.75ms, rto 1s, acked 1, active, probing, probes 2, persist",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 101 1, rcv 101, rcvwnd 0, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 101, passive"},
		{"window closed, with data in flight", opened, func(w *wire) {
			data(w)
			w.send(0, 0, ack, 101, 100, 1)
			w.win = 0
			w.send(1, 10*ms, ack, 1, 0, 101)
		},
			"iss 0, irs 0, una 101, nxt 201, wnd 0 of 1000, wl 1 101, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 3.75ms, rto 1s, acked 1, active, retransmit",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 101 1, rcv 101, rcvwnd 0, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 101, passive"},
		{"FIN", opened, func(w *wire) { w.send(0, time.Second, fin, 1, 0, 1) },
			"iss 0, irs 0, una 1, nxt 2, wnd 1000 of 1000, wl 0 1, rcv 1, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 5ms, rto 1s, fin 1, acked 1, active, retransmit",
			"iss 0, irs 0, una 1, nxt 1, wnd 128000 of 128000, wl 1 1, rcv 1, rcvwnd 1000, scale 7, 2, mss 1460, rtt 10ms 5ms, rto 1s, acked 1, passive"},
		{"TIME_WAIT", opened, func(w *wire) {
			w.send(0, time.Second, fin, 1, 0, 1)
			w.send(1, 10*ms, fin, 1, 0, 2)
			w.send(0, 10*ms, ack, 2, 0, 2)
		},
			"iss 0, irs 0, una 2, nxt 2, wnd 4000 of 4000, wl 1 2, rcv 2, rcvwnd 128000, scale 2, 7, mss 1400, rtt 10ms 3.75ms, rto 1s, fin 1, acked 2, active, time-wait",
			"iss 0, irs 0, una 2, nxt 2, wnd 128000 of 128000, wl 2 2, rcv 2, rcvwnd 4000, scale 7, 2, mss 1460, rtt 10ms 3.75ms, rto 1s, fin 1, acked 2, passive"},
		{"found running, one direction", newWire, data,
			"nxt 101, rcv 1, rcvwnd 1000, rto 3s, acked 1",
			"una 1, nxt 1, wnd 1000 of 1000, wl 1 1, rto 3s"},
		{"found running", newWire, func(w *wire) {
			w.send(0, 0, ack, 1, 0, 1)
			w.send(1, 0, ack, 1, 0, 1)
			data(w)
			w.send(1, 10*ms, ack, 1, 0, 101)
		},
			"una 101, nxt 101, wnd 1000 of 1000, wl 1 101, rcv 1, rcvwnd 1000, rtt 10ms 5ms, rto 1s, acked 1",
			"una 1, nxt 1, wnd 1000 of 1000, wl 1 1, rcv 101, rcvwnd 1000, rto 3s, acked 101"},
	} {
		w := c.begin()
		c.then(w)
		for side, want := range [2]string{c.a, c.b} {
			if got := w.tcb(reassembly.Side(side)); got != want {
				t.Errorf("%s, side %v:\n%s, want\n%s", c.name, reassembly.Side(side), got, want)
			}
		}
	}
}
