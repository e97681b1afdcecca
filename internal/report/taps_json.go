package report

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// tap is one capture point in JSON. Its clock is null where it is unknown.
func (b object) tap(t *result.Tap) object {
	b = b.str("name", t.Name).strings("files", t.Files).str("recognised", t.Recognised).str("reason", t.Reason).
		timeIf(t.Epoch != 0, "epoch", t.Epoch).clock(&t.Clock).open("clock", '[')
	for i := range t.Parts {
		p := &t.Parts[i]
		b = b.element().time("from", p.From).str("on", p.On).clock(&p.Clock).close('}')
	}
	return b.close(']').uint("unpaired", t.Unpaired)
}

func (b object) clock(c *result.Clock) object {
	b = b.seconds("offset_s", c.HasOffset, c.Offset).ppm("skew_ppm", c.HasSkew, c.Skew)
	return b.seconds("uncertainty_s", c.HasOffset, c.Uncertainty).ppm("skew_uncertainty_ppm", c.HasSkew, c.SkewUncertainty)
}

// ppm is parts per million with three decimals, null if unknown.
func (b object) ppm(name string, known bool, v float64) object {
	if b = b.key(name); !known {
		return append(b, "null"...)
	}
	return b.float(float64(int64(v*1000+half(v))) / 1000)
}

func half(v float64) float64 {
	if v < 0 {
		return -0.5
	}
	return 0.5
}

// perTap is what each tap saw of a connection, and what happened between them.
func (b object) perTap(f *result.Flow, r *result.Report) object {
	const A, B = reassembly.A, reassembly.B
	taps := r.Taps
	b = b.open("taps", '[')
	for i := range f.Taps {
		t := &f.Taps[i]
		b = b.element().str("tap", taps[t.Tap].Name).endpoint("a", t.End[A]).endpoint("b", t.End[B]).time("first", t.First).time("last", t.Last).
			uint("packets_a2b", t.Packets[A]).uint("packets_b2a", t.Packets[B]).uint("bytes_a2b", t.Bytes[A]).uint("bytes_b2a", t.Bytes[B]).
			uint("retransmissions_a2b", t.Rexmits[A]).uint("retransmissions_b2a", t.Rexmits[B]).
			seconds("rtt_s", t.RTT != 0, t.RTT).limits(t.Limits).uint("copies", t.Duplicates).close('}')
	}
	b = b.close(']').open("between", '[')
	for i := range f.Between {
		b = b.element().between(&f.Between[i], r).close('}')
	}
	return b.close(']')
}

func (b object) between(w *result.Between, r *result.Report) object {
	const A, B = reassembly.A, reassembly.B
	taps := r.Taps
	b = b.strings("taps", []string{taps[w.Taps[0]].Name, taps[w.Taps[1]].Name}).str("near_a", taps[w.Taps[w.NearA]].Name).
		endpoint("a", w.End[A]).endpoint("b", w.End[B]).uint("isn_shift_a", uint64(w.Shift[A])).uint("isn_shift_b", uint64(w.Shift[B])).
		open("a2b", '{').way(&w.Way[A], r).close('}').open("b2a", '{').way(&w.Way[B], r).close('}')
	return b.frames("injected", w.Injected, r).strings("rewritten", w.Rewritten).str("reason", w.Reason)
}

func (b object) way(w *result.Way, r *result.Report) object {
	return b.uint("sent", w.Sent).uint("arrived", w.Arrived).uint("partial", w.Partial).uint("missed", w.Missed).
		uint("undecided", w.Undecided).uint("uncovered", w.Uncovered).
		frames("lost", w.Lost, r).frames("untranslated", w.Untranslated, r).frames("reordered", w.Reordered, r).frames("duplicated", w.Duplicated, r).
		seconds("delay_min_s", w.HasDelay, w.DelayMin).seconds("delay_median_s", w.HasDelay, w.DelayMedian).
		seconds("delay_p95_s", w.HasDelay, w.DelayP95).seconds("delay_max_s", w.HasDelay, w.DelayMax)
}

func (b object) frames(name string, list []result.TapFrame, r *result.Report) object {
	b = b.open(name, '[')
	for i := range list {
		s := &list[i]
		near := r.NearFrame(s.File, s.Frame, s.Seg.At)
		b = b.element().str("tap", r.Taps[s.Tap].Name).uint("frame", result.Whole(s.Frame, near))
		if len(s.OneOf) > 0 {
			b = b.open("one_of", '[')
			for _, n := range s.OneOf {
				b = b.comma().number(result.Whole(n, near))
			}
			b = b.close(']')
		}
		b = b.close('}')
	}
	return b.close(']')
}
