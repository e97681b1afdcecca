package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// frameComment is the comment of an evidence frame: what it shows, and the verdict that
// it helps to prove.
func (b *bundle) frameComment(id result.FrameID, role string) string {
	f := b.finding
	return fmt.Sprintf("tcptrace %s %s: %s (frame %d of %s). %s, %s: %s", f.Detector, f.ID, role, b.number(id), b.name(id.File), f.Outcome, f.Verdict, f.Message)
}

// number is the number of a frame in its file. Those of evidence lie near the anchor.
func (b *bundle) number(id result.FrameID) uint64 {
	return b.report.FrameNumber(id.File, id.Frame, b.finding.Evidence[0].Seg.At)
}

// interfaceName is the tap's where there are several, else the input's.
func (b *bundle) interfaceName(f *frame) string {
	if t := b.report.Taps; b.o.Point != nil && int(f.tap.point) < len(t) {
		return t[f.tap.point].Name
	}
	return b.name(f.id.File)
}

// name is an input's.
func (b *bundle) name(file uint16) string {
	switch i := int(file); {
	case i < len(b.o.Files):
		return b.o.Files[i]
	case len(b.o.Files) == 0 && i < len(b.report.Captures):
		return b.report.Captures[i].File
	}
	return fmt.Sprintf("input %d", file+1)
}

// comment is the comment of the file: what it is evidence of, where its frames
// come from, and what is not in it.
func (b *bundle) comment(doubt string) string {
	f := b.finding
	lines := []string{
		fmt.Sprintf("tcptrace %s: evidence of %s %s", b.o.Version, f.Detector, f.ID),
		fmt.Sprintf("%s, %s, %s: %s", f.Outcome, f.Verdict, f.Severity, f.Title),
		f.Message,
	}
	if f.Verdict == detectors.Undecided {
		lines = append(lines, "Undecided: "+f.Reason)
	}
	lines = append(lines, b.sources()...)
	if f.Flow.Predecessor.Conn != 0 {
		lines = append(lines, "The previous connection of the same ports comes first: it was in TIME_WAIT when they were reused.")
	}
	switch f.Scope {
	case detectors.OtherConnection:
		lines = append(lines, "The verdict also rests on another connection of the capture, which is not in this file.")
	case detectors.WholeCapture:
		lines = append(lines, "The verdict also rests on what the whole capture shows, of which this file has one connection.")
	}
	lines = append(lines, b.treatment())
	if len(b.cuts) > 0 {
		lines = append(lines, b.cutsComment())
	}
	if b.o.Remembered {
		lines = append(lines, b.memoryComment())
	}
	lines = append(lines, "The capture ends at "+time.Unix(0, b.end).UTC().Format(time.RFC3339Nano)+
		"; that no other frame of the connection came before then is part of the evidence.")
	if doubt != "" {
		lines = append(lines, "Analysed by itself, this file gives a different result: "+doubt+".")
	}
	return strings.Join(lines, "\n")
}

// maxRanges is how many ranges of frames a comment lists.
const maxRanges = 200

// sources say for each input which of its frames these are, and which of them
// are evidence. Frame numbers in the text are those of the inputs.
func (b *bundle) sources() []string {
	var files []uint16
	frames := map[uint16][]string{}
	for _, s := range b.origin {
		if frames[s.file] == nil {
			files = append(files, s.file)
		}
		frames[s.file] = append(frames[s.file], s.String())
	}
	evidence := map[uint16][]uint64{}
	for i := range b.finding.Evidence {
		seg := &b.finding.Evidence[i].Seg
		evidence[seg.File] = append(evidence[seg.File], b.report.FrameNumberOf(seg))
	}
	var lines []string
	for _, file := range files {
		line := "Frames of " + b.name(file) + ", as numbered there: " + strings.Join(frames[file], " ")
		if len(b.origin) == maxRanges {
			line += " ..."
		}
		if len(evidence[file]) > 0 {
			line += "; evidence: " + numbers(evidence[file])
		}
		lines = append(lines, line)
	}
	return lines
}

// String is "7" or "7-9".
func (r frameRange) String() string {
	if r.from == r.to {
		return fmt.Sprint(r.from)
	}
	return fmt.Sprintf("%d-%d", r.from, r.to)
}

// numbers is "7 9": each once, in order.
func numbers(frames []uint64) string {
	slices.Sort(frames)
	return strings.Trim(fmt.Sprint(slices.Compact(frames)), "[]")
}

// treatment says what was done to the frames.
func (b *bundle) treatment() string {
	text := ""
	for tap := range b.taps {
		if tap.text {
			text = "Frames were rebuilt from text: what it does not say is a guess, as the descriptions of the interfaces tell. "
		}
	}
	return text + b.change()
}

// change is what was done to the frames as they were read.
func (b *bundle) change() string {
	switch {
	case b.o.Anonymize != nil:
		return anonymize.Treatment(b.o.TimesShifted)
	case b.o.Payload:
		return "Frames are as captured."
	}
	return "Headers only: payload was cut off."
}

// maxCuts is how many cuts a comment lists.
const maxCuts = 20

func (b *bundle) cutsComment() string {
	var total uint64
	var cuts []string
	for i, c := range b.cuts {
		total += c.n
		if i < maxCuts {
			cuts = append(cuts, fmt.Sprintf("%d after frame %d", c.n, c.after))
		}
	}
	if len(b.cuts) > maxCuts {
		cuts = append(cuts, "...")
	}
	return fmt.Sprintf("Cut: %d frames of the connection were left out of this file, %s.", total, strings.Join(cuts, ", "))
}

// memoryComment says how much of the connection a live capture still had.
func (b *bundle) memoryComment() string {
	flow := b.finding.Flow
	text := fmt.Sprintf("Written during the capture, from memory: %d of the connection's %d frames", b.frames, flow.Packets[0]+flow.Packets[1]+flow.Duplicates)
	var missing []uint64
	for id := range b.proof {
		missing = append(missing, b.number(id))
	}
	if len(missing) > 0 {
		text += "; missing evidence frames: " + numbers(missing)
	}
	return text + "."
}
