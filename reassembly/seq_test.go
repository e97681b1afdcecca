package reassembly

import (
	"testing"
	"testing/quick"
)

// Order holds for distances below half of the circle, wherever it begins.
func TestSeq_order(t *testing.T) {
	order := func(s Seq, d uint32) bool {
		d %= 1 << 31
		e := s + Seq(d)
		return s.Before(e) == (d > 0) && s.AtOrBefore(e) && e.After(s) == (d > 0) && !e.Before(s) &&
			s.To(e) == int32(d) && e.To(s) == -int32(d) && s.Max(e) == e && e.Max(s) == e
	}
	if err := quick.Check(order, nil); err != nil {
		t.Error(err)
	}
}

func TestSeq_wrap(t *testing.T) {
	const last Seq = 1<<32 - 1
	for _, c := range []struct {
		s, e Seq
		to   int32
	}{
		{last, 0, 1},
		{last - 9, 10, 20},
		{1<<31 - 1, 1 << 31, 1},
		{0, 1<<31 - 1, 1<<31 - 1},
		{5, 5, 0},
	} {
		if got := c.s.To(c.e); got != c.to {
			t.Errorf("from %d to %d are %d numbers, want %d", c.s, c.e, got, c.to)
		}
		if before := c.s.Before(c.e); before != (c.to > 0) {
			t.Errorf("%d before %d is %t", c.s, c.e, before)
		}
		if c.s.Max(c.e) != c.e || c.e.Max(c.s) != c.e {
			t.Errorf("the later of %d and %d is not %d", c.s, c.e, c.e)
		}
	}
}

func TestSegment_end(t *testing.T) {
	for _, c := range []struct {
		flags Flags
		n     uint32
		end   Seq
	}{
		{ACK, 0, 1<<32 - 2},
		{ACK, 1, 1<<32 - 1},
		{ACK | FIN, 1, 0},
		{SYN, 0, 1<<32 - 1},
		{SYN | ACK, 10, 9},
		{SYN | FIN, 0, 0},
		{RST | ACK, 0, 1<<32 - 2},
	} {
		s := Segment{Seq: 1<<32 - 2, Flags: c.flags, Len: c.n}
		m := MarkOf(&s)
		if s.End() != c.end || m.End() != c.end || s.FINSeq() != c.end-1 {
			t.Errorf("%v of %d bytes ends at %d, its mark at %d, want %d", c.flags, c.n, s.End(), m.End(), c.end)
		}
	}
}

func TestFlags_String(t *testing.T) {
	for f, want := range map[Flags]string{
		0: "none", SYN: "S", SYN | ACK: "S.", PSH | ACK: "P.", FIN | PSH | ACK: "FP.",
		RST: "R", RST | ACK: "R.", ECE | CWR | SYN: "SWE", URG | ACK: "U.", 0xff: "FSRPUWE.",
	} {
		if got := f.String(); got != want {
			t.Errorf("flags %#02x are %q, want %q", uint8(f), got, want)
		}
	}
}
