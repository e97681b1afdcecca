package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// direction is "client > server"; of an ICMP error, who sent it to whom.
func direction(f *result.Flow, seg *reassembly.Segment) string {
	names, from := ends(f), sender(f, seg)
	if seg.IsQuote() {
		return seg.ReporterName() + " > " + names[from]
	}
	return names[from] + " > " + names[from.Peer()]
}

// segment is a segment as a scenario has it behind the direction, with sequence
// numbers relative to the sides' initial ones.
func segment(f *result.Flow, seg *reassembly.Segment) string {
	from := sender(f, seg)
	return string(scenario.AppendSegment(nil, seg, f.ISS[from], f.ISS[from.Peer()]))
}

// plainSegment is segment without timestamps: nearly every segment has them, and
// they would take the width that the rest needs.
func plainSegment(f *result.Flow, seg *reassembly.Segment) string {
	plain := *seg
	plain.Opts.Has &^= reassembly.HasTimestamps
	return segment(f, &plain)
}

// A long probe loop has dozens of evidence frames, all alike but for the first
// and the last ones.
const (
	framesHead = 8
	framesTail = 4
)

// A frameRow is an evidence frame: who sent what, what it shows, and the states
// after it.
type frameRow struct {
	Omitted        string // frames between two others, instead of all else
	File           string // where it differs from the frame before and there are several
	Number         string
	Time           string // seconds since the trace began
	FromPeer       bool   // of the opener
	Direction      string
	Flags, Segment string // the notation: flags, and what follows
	Role           string
	States         [2]frameState // the opener's first; empty if unknown

	// In the frames of a whole connection: whether it is evidence, and where the pictures
	// have it.
	Proof bool
	X     string
	Y     [2]string
}

// A frameState is one end's state after a frame.
type frameState struct {
	Name    string
	Changed bool
}

// inTime are the evidence frames in order of time.
func inTime(evidence []detectors.Evidence) []detectors.Evidence {
	evidence = slices.Clone(evidence)
	sorting.Stable(evidence, func(a, b detectors.Evidence) int { return cmp.Compare(a.Seg.At, b.Seg.At) })
	return evidence
}

// frames adds the first framesHead evidence frames and the last framesTail, or
// one more where that saves saying so.
func (b *builder) frames(v *finding, f *result.Finding, d *drawing) {
	evidence := inTime(f.Evidence)
	omit := len(evidence) - framesHead - framesTail
	if omit <= 1 {
		omit = 0
	}
	v.HasState = true
	var before *drawnStep
	for i := range evidence {
		seg := &evidence[i].Seg
		if i >= framesHead && i < framesHead+omit {
			continue
		}
		now, alike := d.step(result.FrameOf(seg)), 0
		if i == framesHead+omit {
			alike = omit
		}
		if words := omitted(before, now, alike); words != "" && i > 0 {
			v.Frames = append(v.Frames, frameRow{Omitted: words})
		}
		row := frameRow{
			Number: unsigned(b.r.FrameNumberOf(seg)), Time: quantity.Seconds(b.o.time(seg) - b.r.Trace.First),
			FromPeer: sender(f.Flow, seg) != opener(f.Flow), Direction: direction(f.Flow, seg), Role: Clean(evidence[i].Role),
		}
		row.Flags, row.Segment, _ = strings.Cut(plainSegment(f.Flow, seg), " ")
		row.Segment = strings.TrimLeft(row.Segment, " ")
		if i == 0 && len(b.r.Captures) > 1 || i > 0 && seg.File != evidence[i-1].Seg.File {
			row.File = Clean(b.o.file(b.r, seg))
		}
		v.HasState = v.HasState && now != nil
		for column, side := range openerFirst(f.Flow) {
			if now != nil {
				row.States[column] = frameState{b.o.Names.bounded(now.State[side], now.Bounded[side]), before != nil && before.State[side] != now.State[side]}
				v.Bounded = v.Bounded || now.Bounded[side]
			}
		}
		v.Frames = append(v.Frames, row)
		before = now
	}
}

// omitted says how many frames of the connection lie between two evidence
// frames; alike are evidence as well.
func omitted(before, now *drawnStep, alike int) string {
	between := 0
	if before != nil && now != nil && now.nth > before.nth {
		between = int(now.nth - before.nth - 1)
	}
	switch {
	case alike > 0 && between > alike:
		return quantity.Count(uint64(between), "frame") + " omitted, " + quantity.Thousands(uint64(alike)) + " of them like these"
	case alike > 0:
		return quantity.Count(uint64(alike), "frame") + " like these omitted"
	case between > 0:
		return quantity.Count(uint64(between), "frame") + " omitted"
	}
	return ""
}

// longSegment is how far a long segment, a SYN with its options, may push the
// roles of the others to the right.
const longSegment = 44

// frameLines are the rows as aligned text.
func frameLines(rows []frameRow) []string { return table(frameCells(rows), true, true) }

// frameCells are the rows as those of a table.
func frameCells(rows []frameRow) (cells [][]string) {
	for i := range rows {
		r := &rows[i]
		if r.Omitted != "" {
			cells = append(cells, []string{"", "... " + r.Omitted})
			continue
		}
		if r.File != "" {
			cells = append(cells, []string{"in " + r.File + ":"})
		}
		row := []string{r.Number, r.Time, r.Direction, r.Flags, r.Segment, r.Role}
		if len(r.Segment) > longSegment {
			row = append(row[:4], r.Segment+"  "+r.Role)
		}
		cells = append(cells, row)
	}
	return cells
}

// A filter is a Wireshark display filter for a finding's frames in one file.
type filter struct{ File, Filter string }

// displayFilters are one for each file, in order of appearance. The files are
// named if there are several.
func displayFilters(r *result.Report, o *Options, f *result.Finding) (filters []filter) {
	frames := map[uint16][]uint64{}
	var order []*reassembly.Segment
	for i := range f.Evidence {
		seg := &f.Evidence[i].Seg
		if frames[seg.File] == nil {
			order = append(order, seg)
		}
		frames[seg.File] = append(frames[seg.File], r.FrameNumberOf(seg))
	}
	for _, seg := range order {
		filters = append(filters, filter{Clean(o.file(r, seg)), displayFilter(frames[seg.File])})
	}
	return filters
}

// displayFilter is "frame.number in {30, 31, 33..39}". Since Wireshark 4.0 the
// members of a set must be separated by commas.
func displayFilter(frames []uint64) string {
	slices.Sort(frames)
	frames = slices.Compact(frames)
	if len(frames) == 1 {
		return "frame.number == " + unsigned(frames[0])
	}
	var members []string
	for i := 0; i < len(frames); {
		last := i
		for last+1 < len(frames) && frames[last+1] == frames[last]+1 {
			last++
		}
		if last == i+1 { // two are a list, not a range
			last = i
		}
		member := unsigned(frames[i])
		if last > i {
			member += ".." + unsigned(frames[last])
		}
		members = append(members, member)
		i = last + 1
	}
	return "frame.number in {" + strings.Join(members, ", ") + "}"
}
