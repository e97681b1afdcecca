//go:build !libpcap

package live_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
	"github.com/tcptrace-go/tcptrace/internal/live"
)

// ring opens a ring in the namespace.
func (w *wire) ring(o live.Options) *live.Ring {
	w.Helper()
	var r *live.Ring
	w.inside(func() {
		var err error
		r, err = live.Open(o)
		w.must(err)
	})
	w.Cleanup(func() { r.Close() })
	return r
}

// frames reads n frames that pass the filter. No more may come for some time.
func (w *wire) frames(r *live.Ring, n int) (got []capture.Frame) {
	w.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		for fr := (capture.Frame{}); r.Next(&fr); {
			if r.Match(&fr) {
				fr.Data = bytes.Clone(fr.Data)
				got = append(got, fr)
			}
		}
		if len(got) >= n && time.Until(deadline) > live.Delay {
			deadline = time.Now().Add(live.Delay)
		}
		r.Wait(10 * time.Millisecond)
	}
	if len(got) != n {
		w.Fatalf("%d frames came, want %d", len(got), n)
	}
	return got
}

func compiled(expr string) func(capture.LinkType) (*filter.Program, error) {
	return func(l capture.LinkType) (*filter.Program, error) { return filter.Compile(expr, uint32(l), 0) }
}

// tagged is a frame in VLAN 42.
func tagged() []byte {
	h := binary.BigEndian.AppendUint16(etherHeader(unix.ETH_P_8021Q), 42)
	return append(binary.BigEndian.AppendUint16(h, unix.ETH_P_IP), make([]byte, 60)...)
}

// TestRing_tag: Linux removes the VLAN tag from a frame. It is back at its usual
// place, and filters see it.
func TestRing_tag(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	plain := append(etherHeader(unix.ETH_P_IP), make([]byte, 60)...)
	all := w.ring(live.Options{Interface: "near", Promiscuous: true})
	only := w.ring(live.Options{Interface: "near", Promiscuous: true, Filter: compiled("vlan 42")})
	any := w.ring(live.Options{Interface: live.Any})
	before := time.Now().UnixNano()
	w.send(tagged())
	w.send(plain)
	got := w.frames(all, 2)
	if !bytes.Equal(got[0].Data, tagged()) || got[0].Len != len(tagged()) || !bytes.Equal(got[1].Data, plain) {
		t.Errorf("got\n%x\n%x, want\n%x\n%x", got[0].Data, got[1].Data, tagged(), plain)
	}
	if at := got[0].At; at < before || at > time.Now().UnixNano() || at%1000 == 0 && got[1].At%1000 == 0 {
		t.Errorf("stamped %d, in whole microseconds or not between %d and now", at, before)
	}
	if got := w.frames(only, 1); !bytes.Equal(got[0].Data, tagged()) {
		t.Errorf("vlan 42 lets pass %x", got[0].Data)
	}
	for _, fr := range w.frames(any, 4) { // leaving far, and coming to near
		if fr.Link != capture.LinkSLL2 || len(fr.Data) < 20 || len(fr.Data) != fr.Len {
			t.Errorf("any: link type %v, %d bytes of %d", fr.Link, len(fr.Data), fr.Len)
		}
	}
}

// TestRing_loopback: a frame that is sent and received counts once.
func TestRing_loopback(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	l := w.listen()
	lo := w.ring(live.Options{Interface: "lo", Filter: compiled("tcp[tcpflags] & tcp-syn != 0 and tcp[tcpflags] & tcp-ack = 0")})
	any := w.ring(live.Options{Interface: live.Any, Filter: compiled("tcp[tcpflags] & tcp-syn != 0 and tcp[tcpflags] & tcp-ack = 0")})
	c := w.dial(l.Addr().String())
	defer c.Close()
	for name, r := range map[string]*live.Ring{"lo": lo, "any": any} {
		if got := w.frames(r, 1); got[0].Link != r.Link() {
			t.Errorf("%s: link type %v", name, got[0].Link)
		}
	}
}

// TestRing_wake: a reader that waits is woken.
func TestRing_wake(t *testing.T) {
	t.Parallel()
	r := newWire(t).ring(live.Options{Interface: "near"})
	r.Wake()
	begin := time.Now()
	r.Wait(10 * time.Second)
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("woken after %v", d)
	}
}

// TestRing_load: a burst that is too large for a socket's queue.
func TestRing_load(t *testing.T) {
	t.Parallel()
	w := newWire(t)
	r := w.ring(live.Options{Interface: "near"})
	frame := append(etherHeader(unix.ETH_P_IP), make([]byte, 1400)...)
	const burst = 20_000
	for range burst {
		w.send(frame)
	}
	w.frames(r, burst)
	if n := r.Drops(); n != 0 {
		t.Errorf("%d frames dropped", n)
	}
}
