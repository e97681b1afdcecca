package excerpt

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Text prints the connections with their states and the findings of the report.
// Rows are the report's rows of these connections, successors included.
func (x *Excerpt) Text(r *result.Report, rows []result.Flow) []byte {
	byConn := map[uint64]*result.Flow{}
	for i := range rows {
		byConn[rows[i].Conn] = &rows[i]
	}
	conns := make([]scenario.Conn, len(x.conns))
	for i, c := range x.conns {
		f := byConn[c.id]
		conns[i] = scenario.Conn{Ends: f.End, ISN: f.ISS}
		for j := range c.steps {
			conns[i].Segs = append(conns[i].Segs, c.steps[j].Seg)
		}
	}
	end := r.Trace.End
	if x.Cut {
		end = 0
	}
	t := scenario.New(conns, end)
	keepGaps(t, r.Gaps)
	addWants(r, x.number(t))
	file := scenario.File{
		Intro: "Printed by tcptrace --format scenario. IP addresses are replaced; times, ports,\n" +
			"sequence numbers and IP identifications are as captured.",
		Traces: []*scenario.Trace{t},
	}
	return file.Append(nil)
}

// keepGaps adds frames that are not TCP where other connections were active while
// these were silent. Without them there may be an hour without any frame, after
// which a trace no longer counts for absences.
func keepGaps(t *scenario.Trace, gaps []result.Span) {
	const quiet = int64(time.Hour)
	var lines []scenario.Line
	left := maxFillers
	other := func(at int64) {
		if left > 0 {
			left--
			lines = append(lines, scenario.Line{Captured: true, Other: true, Seg: reassembly.Segment{At: at}})
		}
	}
	last := t.Start
	for _, l := range t.Lines {
		to := l.Seg.At
		for _, g := range gaps {
			if g.First < last || g.Last > to {
				continue
			}
			for ; g.First-last > quiet; last += quiet {
				other(last + quiet)
			}
			if g.First > last {
				other(g.First)
			}
			if last = g.Last; last < to || l.End {
				other(last)
			}
		}
		for ; to-last > quiet && !l.End; last += quiet {
			other(last + quiet)
		}
		lines = append(lines, l)
		last = max(last, to)
	}
	t.Lines = lines
}

// A frameID names a frame of the capture.
type frameID struct {
	file   uint16
	number uint32
}

func idOf(seg *reassembly.Segment) frameID { return frameID{seg.File, seg.Frame} }

// number numbers the frames of the trace, adds the states to the lines where
// they change, and returns the line of each frame of the capture.
func (x *Excerpt) number(t *scenario.Trace) map[frameID]*scenario.Line {
	lines := map[frameID]*scenario.Line{}
	next := make([]int, len(x.conns))
	first := map[reassembly.Key][2]reassembly.Endpoint{}
	n := uint32(0)
	for i := range t.Lines {
		l := &t.Lines[i]
		if l.End {
			continue
		}
		n++
		l.Seg.Frame = n
		if l.Other {
			continue
		}
		conn := l.From / 2
		steps, now := x.conns[conn].steps, next[conn]
		next[conn]++
		step := &steps[now]
		lines[idOf(&step.Seg)] = l
		key, _ := reassembly.KeyOf(&l.Seg)
		if _, known := first[key]; !known {
			first[key] = [2]reassembly.Endpoint{l.Seg.Src, l.Seg.Dst}
		}
		if now == 0 || steps[now-1].State != step.State || steps[now-1].Bounded != step.Bounded {
			assertStates(l, step, first[key])
		}
	}
	return lines
}

// assertStates adds the states after the step to its line, in the order of ends.
func assertStates(l *scenario.Line, t *result.Step, ends [2]reassembly.Endpoint) {
	l.HasStates, l.StateEnds = true, ends
	for i, end := range ends {
		side := t.Side
		if end != l.Seg.Src {
			side = side.Peer()
		}
		l.States[i], l.Bounded[i] = t.State[side].String(), t.Bounded[side]
	}
}

// addWants adds the findings to the lines of their first frames.
func addWants(r *result.Report, lines map[frameID]*scenario.Line) {
	for i := range r.Findings {
		f := &r.Findings[i]
		anchor := lines[idOf(&f.Evidence[0].Seg)]
		if anchor == nil {
			continue
		}
		want := scenario.Want{Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided}
		for j := range f.Evidence {
			l := lines[idOf(&f.Evidence[j].Seg)]
			if l == nil { // beyond the cut
				want.Frames = nil
				break
			}
			want.Frames = append(want.Frames, l.Seg.Frame)
		}
		anchor.Wants = append(anchor.Wants, want)
	}
}

// Found lists the findings of a report as scenario.Trace.Check wants them.
func Found(r *result.Report) []scenario.Found {
	var found []scenario.Found
	for i := range r.Findings {
		f := &r.Findings[i]
		x := scenario.Found{Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided, Message: f.Message}
		for j := range f.Evidence {
			x.Frames = append(x.Frames, f.Evidence[j].Seg.Frame)
		}
		found = append(found, x)
	}
	return found
}
