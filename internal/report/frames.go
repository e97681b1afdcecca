package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// direction is "client > server".
func direction(f *result.Flow, seg *reassembly.Segment) string {
	names, from := ends(f), sender(f, seg)
	return names[from] + " > " + names[from.Peer()]
}

// segment is what follows the direction in the notation, with sequence numbers
// relative to the sides' initial ones.
func segment(f *result.Flow, seg *reassembly.Segment) string {
	from := sender(f, seg)
	return string(scenario.AppendSegment(nil, seg, f.ISS[from], f.ISS[from.Peer()]))
}

// notation is a segment's line as a scenario has it, without the time.
func notation(f *result.Flow, seg *reassembly.Segment) string {
	return direction(f, seg) + "  " + segment(f, seg)
}

// A long probe loop has dozens of telling frames, all alike but for the first
// and the last ones.
const (
	framesHead = 8
	framesTail = 4
)

// frameLines are a finding's telling frames in order of time, one a line:
// number, seconds since the trace began, the notation, what it shows. Where
// they come from several files, a line names each.
func frameLines(r *result.Report, o *Options, f *result.Finding) []string {
	evidence := inTime(f.Evidence)
	cut := len(evidence) > framesHead+framesTail+1
	var lines []string
	t := frameTable{r: r, o: o, flow: f.Flow}
	for i := range evidence {
		t.measure(&evidence[i])
	}
	for i := range evidence {
		if cut && i >= framesHead && i < len(evidence)-framesTail {
			continue
		}
		if cut && i == len(evidence)-framesTail {
			lines = append(lines, strings.Repeat(" ", t.frame)+"  ... "+
				count(uint64(len(evidence)-framesHead-framesTail), "frame")+" like these")
		}
		if i == 0 && len(r.Captures) > 1 || i > 0 && evidence[i].Seg.File != evidence[i-1].Seg.File {
			lines = append(lines, "in "+Clean(o.file(r, &evidence[i].Seg))+":")
		}
		lines = append(lines, t.line(&evidence[i]))
	}
	return lines
}

// inTime are the telling frames in order of time.
func inTime(evidence []detectors.Evidence) []detectors.Evidence {
	evidence = slices.Clone(evidence)
	slices.SortStableFunc(evidence, func(a, b detectors.Evidence) int { return cmp.Compare(a.Seg.At, b.Seg.At) })
	return evidence
}

// frameTable holds the column widths of frameLines.
type frameTable struct {
	r    *result.Report
	o    *Options
	flow *result.Flow

	frame, time, direction, flags, rest int
}

// segmentColumn is how far a long segment, a SYN with its options, may push the
// roles of the others to the right.
const segmentColumn = 44

func (t *frameTable) measure(e *detectors.Evidence) {
	flags, rest := t.segment(&e.Seg)
	t.frame = max(t.frame, len(strconv.Itoa(int(e.Seg.Frame))))
	t.time = max(t.time, len(t.offset(&e.Seg)))
	t.direction = max(t.direction, len(direction(t.flow, &e.Seg)))
	t.flags = max(t.flags, len(flags))
	if len(rest) <= segmentColumn {
		t.rest = max(t.rest, len(rest))
	}
}

func (t *frameTable) line(e *detectors.Evidence) string {
	flags, rest := t.segment(&e.Seg)
	return strings.TrimRight(padLeft(strconv.Itoa(int(e.Seg.Frame)), t.frame)+"  "+
		padLeft(t.offset(&e.Seg), t.time)+"  "+
		padRight(direction(t.flow, &e.Seg), t.direction)+"  "+
		padRight(flags, t.flags)+"  "+padRight(rest, t.rest)+"  "+Clean(e.Role), " ")
}

// segment is the notation in two columns.
func (t *frameTable) segment(seg *reassembly.Segment) (flags, rest string) {
	flags, rest, _ = strings.Cut(segment(t.flow, withoutTimestamps(seg)), " ")
	return flags, strings.TrimLeft(rest, " ")
}

// offset is the frame's time since the trace began, in seconds.
func (t *frameTable) offset(seg *reassembly.Segment) string {
	return offset(t.o.time(seg) - t.r.Trace.First)
}
