package fsm

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Whatever comes, in whatever order: UNA stays at or before NXT, phases never
// go back, and nothing panics.
func FuzzStep(f *testing.F) {
	seg := func(side byte, flags reassembly.Flags, seq, n int16, ack int16, win byte) []byte {
		b := []byte{side, byte(flags), win, 5}
		b = binary.LittleEndian.AppendUint16(b, uint16(seq))
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		return binary.LittleEndian.AppendUint16(b, uint16(ack))
	}
	var orderly, probing []byte
	for _, s := range [][]byte{seg(0, syn, 0, 0, 0, 9), seg(1, syn|ack, 0, 0, 1, 9), seg(0, ack, 1, 0, 1, 9)} {
		orderly, probing = append(orderly, s...), append(probing, s...)
	}
	for _, s := range [][]byte{seg(0, fin, 1, 10, 1, 9), seg(1, fin, 1, 0, 12, 9), seg(0, ack, 12, 0, 2, 9), seg(0, ack, 12, 0, 2, 9), seg(1, rst, 2, 0, 0, 0)} {
		orderly = append(orderly, s...)
	}
	for _, s := range [][]byte{seg(1, ack, 1, 0, 1, 0), seg(0, ack, 0, 0, 1, 9), seg(0, ack, 1, 1, 1, 9), seg(1, rst, 900, 0, 0, 0), seg(1, ack, 1, 0, 1, 9)} {
		probing = append(probing, s...)
	}
	f.Add(uint32(1<<32-5), uint32(1<<31-5), orderly)
	f.Add(uint32(0), uint32(1<<32-1), probing)
	f.Fuzz(stepAll)
}

// The same, of random segments: most are where they may do something.
func TestStep_anything(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		b := make([]byte, 10*rng.IntN(12))
		for i := range b {
			b[i] = byte(rng.UintN(256) & rng.UintN(256))
		}
		for i := 0; i < len(b); i += 10 { // near one another
			b[i], b[i+5], b[i+6], b[i+7], b[i+9] = b[i]&0x81, 0, b[i+6]&3, 0, 0
			b[i+4], b[i+8] = b[i+4]&3, b[i+8]&3
			if rng.IntN(8) > 0 {
				b[i+1] &^= byte(reassembly.RST)
			}
		}
		stepAll(t, 1<<32-2, 1000, b)
	}
}

// stepAll reads ten bytes as a segment, and the next ten as the next.
func stepAll(t *testing.T, issA, issB uint32, b []byte) {
	if len(b) < 10 {
		return
	}
	iss := [2]reassembly.Seq{reassembly.Seq(issA), reassembly.Seq(issB)}
	var c Conn
	var ev Events
	var room reassembly.Gaps
	var before [2]Phase
	now := int64(time.Hour)
	for n := uint32(1); len(b) >= 10; b, n = b[10:], n+1 {
		side := reassembly.Side(b[0] & 1)
		now += int64(b[3]) * int64(b[3]) * int64(time.Millisecond)
		// The high bits of a number's shift reach the whole circle.
		rel := func(v uint16, shift byte) reassembly.Seq { return reassembly.Seq(int16(v)) << (shift & 15) }
		s := reassembly.Segment{
			At: now, Frame: n, Flags: reassembly.Flags(b[1]), Window: uint16(b[2]), IPID: uint16(n * uint32(b[0]>>7)),
			Seq: iss[side] + rel(binary.LittleEndian.Uint16(b[4:]), b[0]>>1&3*5),
			Len: uint32(binary.LittleEndian.Uint16(b[6:])) & 0x7ff,
			Ack: iss[side.Peer()] + rel(binary.LittleEndian.Uint16(b[8:]), b[0]>>3&3*5),
		}
		if s.Flags.Has(reassembly.SYN) {
			s.Opts = reassembly.Options{Has: reassembly.OptionBits(b[2]) & 0x1f, Scale: b[3], MSS: uint16(n)}
		}
		s.Src.Port, s.Dst.Port = 1000+uint16(side), 1001-uint16(side)
		_, fromLo := reassembly.KeyOf(&s)
		if n == 1 {
			c.Begin(&s)
			before = [2]Phase{c.ends[0].dir.Phase, c.ends[1].dir.Phase}
		}
		c.Step(&s, c.SideOf(fromLo), &room, &ev)
		check(t, &c, &ev, &before, now)
	}
	var end Events
	if c.End(&end); end.Len() > 1 || end.Len() == 1 && end.At(0).Kind != ResetSent {
		t.Errorf("the end brings %d events", end.Len())
	}
	check(t, &c, &ev, &before, now)
}

func check(t *testing.T, c *Conn, ev *Events, before *[2]Phase, now int64) {
	t.Helper()
	for side := range reassembly.Side(2) {
		e := &c.ends[side]
		if e.out.Knows(reassembly.KnowUna|reassembly.KnowNxt) && e.out.Nxt.Before(e.out.Una) {
			t.Fatalf("%v: UNA %d is beyond NXT %d", side, e.out.Una, e.out.Nxt)
		}
		if e.dir.Phase < before[side] && !ev.Kinds.Has(FinWithdrawn) || e.dir.Phase > PhaseFinAcked {
			t.Fatalf("%v: the phase went from %d to %d", side, before[side], e.dir.Phase)
		}
		before[side] = e.dir.Phase
		if s, since := c.State(side, now, time.Minute); s >= numStates || since > now {
			t.Fatalf("%v is %v since %d, and it is %d", side, s, since, now)
		}
		again := *c // Step reads states off the halves only where they may have changed
		again.updateState(side, now)
		if s := again.ends[side].state; s != e.state {
			t.Fatalf("%v is said to be %v; read off the halves, it is %v", side, e.state, s)
		}
		if rto := c.rto(side); rto < minRTO || rto > maxRTO {
			t.Fatalf("%v: an RTO of %v", side, rto)
		}
		c.Bounded(side)
		c.TCB(side, now, time.Minute)
	}
	if ev.Len() == 0 || ev.At(ev.Len()-1).Kind != Sent {
		t.Fatalf("Sent is not the last of %d events", ev.Len())
	}
	c.Limits()
	if len(c.History()) > historyLen {
		t.Fatalf("history %q", c.History())
	}
}
