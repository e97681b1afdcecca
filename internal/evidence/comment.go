package evidence

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// remark is what a telling frame says.
func (d *dossier) remark(id frameID, role string) string {
	return fmt.Sprintf("tcptrace %s %s: %s (frame %d of %s)", d.finding.Detector, d.finding.ID, role, id.frame, d.name(id.file))
}

// name is an input's.
func (d *dossier) name(file uint16) string {
	switch i := int(file); {
	case i < len(d.o.Files):
		return d.o.Files[i]
	case len(d.o.Files) == 0 && i < len(d.report.Captures):
		return d.report.Captures[i].File
	}
	return fmt.Sprintf("input %d", file+1)
}

// comment is what the file says of itself: whose evidence it is, where its
// frames come from, and what is not in it.
func (d *dossier) comment(doubt string) string {
	f := d.finding
	lines := []string{
		fmt.Sprintf("tcptrace %s: evidence of %s %s", d.o.Version, f.Detector, f.ID),
		fmt.Sprintf("%s, %s, %s: %s", f.Outcome, f.Verdict, f.Severity, f.Title),
		f.Message,
	}
	if f.Verdict == detectors.Undecided {
		lines = append(lines, "Undecided: "+f.Reason)
	}
	lines = append(lines, d.sources()...)
	if f.Flow.Predecessor.Conn != 0 {
		lines = append(lines, "The former connection of the same ports goes before: it was in TIME_WAIT when they were taken.")
	}
	lines = append(lines, d.treatment())
	if len(d.cuts) > 0 {
		lines = append(lines, d.tellCuts())
	}
	if d.o.Remembered {
		lines = append(lines, d.tellForgotten())
	}
	lines = append(lines, "The record goes to "+time.Unix(0, d.end).UTC().Format(time.RFC3339Nano)+
		"; that no other frame of the connection came until then is part of the evidence.")
	if doubt != "" {
		lines = append(lines, "Read by itself, this file says otherwise: "+doubt+".")
	}
	return strings.Join(lines, "\n")
}

// maxStretches is how many stretches of frames a comment lists.
const maxStretches = 200

// sources tell for each input which of its frames these are, and which of them
// tell. Frame numbers in the text are those of the inputs.
func (d *dossier) sources() []string {
	var files []uint16
	frames := map[uint16][]string{}
	for _, s := range d.origin {
		if frames[s.file] == nil {
			files = append(files, s.file)
		}
		frames[s.file] = append(frames[s.file], s.String())
	}
	telling := map[uint16][]uint32{}
	for i := range d.finding.Evidence {
		seg := &d.finding.Evidence[i].Seg
		telling[seg.File] = append(telling[seg.File], seg.Frame)
	}
	var lines []string
	for _, file := range files {
		line := "Frames of " + d.name(file) + ", as numbered there: " + strings.Join(frames[file], " ")
		if len(d.origin) == maxStretches {
			line += " ..."
		}
		if t := telling[file]; len(t) > 0 {
			slices.Sort(t)
			line += "; telling: " + strings.Trim(fmt.Sprint(slices.Compact(t)), "[]")
		}
		lines = append(lines, line)
	}
	return lines
}

// String is "7" or "7-9".
func (s stretch) String() string {
	if s.from == s.to {
		return strconv.Itoa(int(s.from))
	}
	return fmt.Sprintf("%d-%d", s.from, s.to)
}

// treatment tells what was done to the frames.
func (d *dossier) treatment() string {
	switch {
	case d.o.Anonymize != nil:
		return "Anonymized: addresses replaced (prefixes kept), sequence numbers and timestamps shifted, tunnels taken off, " +
			"unknown options and payload blanked; ports, lengths and times are as they were."
	case d.o.Payload:
		return "Frames are as captured."
	}
	return "Headers only: payload was cut off."
}

// maxCuts is how many cuts a comment lists.
const maxCuts = 20

func (d *dossier) tellCuts() string {
	var total uint64
	var places []string
	for i, c := range d.cuts {
		total += c.n
		if i < maxCuts {
			places = append(places, fmt.Sprintf("%d after frame %d", c.n, c.after))
		}
	}
	if len(d.cuts) > maxCuts {
		places = append(places, "...")
	}
	return fmt.Sprintf("Cut: %d frames of the connection were left out of this file, %s.", total, strings.Join(places, ", "))
}

// tellForgotten says what of the connection a live capture no longer remembered.
func (d *dossier) tellForgotten() string {
	text := fmt.Sprintf("Written while the capture went on, from memory: %d frames of the connection's %d", d.frames,
		d.finding.Flow.Packets[0]+d.finding.Flow.Packets[1]+d.finding.Flow.Copies)
	var gone []uint32
	for id := range d.telling {
		gone = append(gone, id.frame)
	}
	if slices.Sort(gone); len(gone) > 0 {
		text += "; not among them are the telling frames " + strings.Trim(fmt.Sprint(gone), "[]")
	}
	return text + "."
}
