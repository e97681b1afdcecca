package evidence

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A bundle is what is collected for one finding.
type bundle struct {
	report  *result.Report
	finding *result.Finding
	o       *Options
	proof   map[result.FrameID]*proof // evidence frames that have not come yet
	end     int64                     // of the capture, as the file states it

	// Which frames of the four-tuple are the connection's: from its first to its
	// end, and the handshake that began the next one if that is what ended it: a SYN
	// that nobody answers ends nothing. The
	// finding of a connection that reused ports in TIME_WAIT depends on its
	// predecessor, whose frames come first.
	first   int64
	begun   bool
	next    bool // the next connection has begun
	over    bool
	latest  int64 // time of the latest frame
	current bool  // the predecessor, if there is one, has ended

	earliest int64 // time of the earliest frame that is evidence, or of the anchor

	whole   bool // all frames are kept
	opening opening
	held    []frame
	cuts    []cut
	missed  uint64 // left out since the last frame that was kept

	buffer *buffer
	writer *pcapng.Writer
	taps   map[tapID]int

	otherTaps []otherTap                // at other taps
	elsewhere map[result.FrameID]string // what evidence is called there
	frames    int
	origin    []frameRange
}

// A proof is what an evidence frame shows, and the segment that it must have.
type proof struct {
	role string
	mark reassembly.Mark
}

// A cut is a place where frames were left out.
type cut struct {
	after int // frames in the file before it
	n     uint64
}

// A frameRange is consecutive frames of an input.
type frameRange struct {
	file     uint16
	from, to uint64
}

func newBundle(r *result.Report, f *result.Finding, end int64, o *Options, buf *buffer) *bundle {
	b := &bundle{
		report: r, finding: f, o: o, end: end, proof: map[result.FrameID]*proof{}, taps: map[tapID]int{}, elsewhere: map[result.FrameID]string{},
		buffer: buf, writer: pcapng.NewWriter(buf), first: f.Flow.First, current: true, earliest: f.Start,
	}
	for i := range f.Evidence {
		e := &f.Evidence[i]
		id := result.FrameOf(&e.Seg)
		b.earliest = min(b.earliest, e.Seg.At)
		if p := b.proof[id]; p != nil {
			p.role += "; " + e.Role
		} else {
			b.proof[id] = &proof{e.Role, reassembly.MarkOf(&e.Seg)}
		}
	}
	frames := f.Flow.Packets[0] + f.Flow.Packets[1] + f.Flow.Duplicates
	if p := f.Flow.Predecessor; p.Conn != 0 {
		b.first, b.current = p.First, false
		frames += p.Frames
	}
	b.whole = frames <= uint64(o.MaxFrames)
	return b
}

// answerTime is how long the next connection of the four-tuple may take to be answered:
// Linux sends a SYN seven times in this time.
const answerTime = int64(64 * time.Second)

// silence is a time without any frame after which a capture proves no absence.
const silence = int64(time.Hour)

// wants reports whether a segment of the four-tuple is the connection's. A SYN
// after its last segment is the next one's: its answer ends the capture, unless it comes
// so late that the file, without the frames of others in between, would end
// before it.
func (b *bundle) wants(seg *reassembly.Segment) bool {
	switch {
	case !b.begun && seg.IsQuote():
		return false
	case !b.begun:
		b.begun = seg.At == b.first || b.o.Remembered && seg.At > b.first
		b.latest = seg.At
		return b.begun
	case b.over || seg.At > b.end && !b.next:
		return false
	case b.next:
		if seg.Flags&reassembly.SYN == 0 || seg.At > b.finding.End+answerTime {
			return false
		}
		b.over = seg.Flags&reassembly.ACK != 0
		b.end = max(b.end, seg.At)
		return true
	case seg.At > b.finding.Flow.Last && seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN:
		b.next = true
		b.over = seg.At-b.latest > silence
		return !b.over
	}
	b.latest = max(b.latest, seg.At)
	return true
}

// add keeps a frame of the connection, or holds it until it is known whether
// what follows is kept.
func (b *bundle) add(f *frame, seg *reassembly.Segment) {
	role, proves := "", false
	if p := b.proof[f.id]; p != nil && p.mark == reassembly.MarkOf(seg) {
		role, proves = p.role, true
		delete(b.proof, f.id)
	}
	if keeps := b.keeps(seg); keeps || proves || b.next {
		b.release()
		b.write(f, role)
	} else if leadsUp := seg.At >= b.earliest-leadUp && seg.At < b.finding.Start; leadsUp {
		b.hold(f, max(b.o.MaxFrames/4, maxHeld))
	} else {
		b.hold(f, maxHeld)
	}
}

// leadUp is what is kept before the earliest evidence: long enough for whatever detectors
// count of the recent past, and for the numbers to settle after a cut.
const leadUp = int64(3 * time.Second)

// keeps reports whether the finding depends on the frame.
func (b *bundle) keeps(seg *reassembly.Segment) bool {
	if !b.current && seg.At >= b.finding.Flow.First && seg.Flags&reassembly.SYN != 0 {
		b.current, b.opening = true, opening{}
	}
	switch {
	case b.whole:
		return b.frames < b.o.MaxFrames
	case b.opening.includes(seg):
		return true
	}
	return b.finding.Start <= seg.At && seg.At <= b.finding.End && b.frames < b.o.MaxFrames
}

// maxHeld is how many frames before an evidence frame are kept with it, and how
// many at the end of the connection, at least.
const maxHeld = 32

// hold keeps a frame for the time being, with so many before it, or up to twice
// as many.
func (b *bundle) hold(f *frame, before int) {
	if n := len(b.held) - before; n >= before {
		b.missed += uint64(n)
		b.held = slices.Delete(b.held, 0, n)
	}
	kept := *f
	kept.data = slices.Clone(f.data)
	b.held = append(b.held, kept)
}

// release writes what is held.
func (b *bundle) release() {
	if b.missed > 0 {
		b.cuts = append(b.cuts, cut{b.frames, b.missed})
		b.missed = 0
	}
	for i := range b.held {
		b.write(&b.held[i], "")
	}
	clear(b.held) // they may be large
	b.held = b.held[:0]
}

// write writes a frame, with what it shows. An error comes up when the file is
// made.
func (b *bundle) write(f *frame, role string) {
	tap, known := b.taps[f.tap]
	if !known {
		tap, _ = b.writer.Interface(pcapng.Interface{Link: f.tap.link, Name: b.interfaceName(f), Description: f.tap.description()})
		b.taps[f.tap] = tap
	}
	p := pcapng.Packet{Interface: tap, At: f.at, Data: f.data, Len: f.wire}
	if role != "" {
		p.Comment = b.frameComment(f.id, role)
	}
	b.writer.Packet(&p)
	b.frames++
	n := b.report.FrameNumber(f.id.File, f.id.Frame, f.at)
	if last := len(b.origin) - 1; last >= 0 && b.origin[last].file == f.id.File && b.origin[last].to+1 == n {
		b.origin[last].to++
	} else if len(b.origin) < maxRanges {
		b.origin = append(b.origin, frameRange{f.id.File, n, n})
	}
}
