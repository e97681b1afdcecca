package evidence

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A dossier is what is gathered for one finding.
type dossier struct {
	report  *result.Report
	finding *result.Finding
	o       *Options
	telling map[frameID]*telling // the telling frames that have not come yet
	end     int64                // of the record, as the file states it

	// Which frames of the four-tuple are the connection's: from its first to its
	// end, and the SYN that began the next one if that is what ended it. A
	// connection that took its ports early is judged by the former one, and so
	// that one's frames go before.
	first int64
	begun bool
	over  bool
	heard int64 // the latest frame
	own   bool  // the former connection, if there is one, has given way

	whole   bool // all frames are kept
	opening opening
	held    []record
	cuts    []cut
	missed  uint64 // left out since the last frame that was kept

	body   *body
	writer *pcapng.Writer
	taps   map[tapID]int
	frames int
	origin []stretch
}

// telling is what a frame tells, and the segment that it must have for that.
type telling struct {
	role string
	mark reassembly.Mark
}

// A cut is a place where frames were left out.
type cut struct {
	after int // frames in the file before it
	n     uint64
}

// A stretch is consecutive frames of an input.
type stretch struct {
	file     uint16
	from, to uint32
}

func newDossier(r *result.Report, f *result.Finding, end int64, o *Options, room *room) *dossier {
	d := &dossier{report: r, finding: f, o: o, end: end, telling: map[frameID]*telling{}, taps: map[tapID]int{}}
	for i := range f.Evidence {
		e := &f.Evidence[i]
		id := frameID{e.Seg.File, e.Seg.Frame}
		if t := d.telling[id]; t != nil {
			t.role += "; " + e.Role
		} else {
			d.telling[id] = &telling{e.Role, reassembly.MarkOf(&e.Seg)}
		}
	}
	flow := f.Flow
	frames := flow.Packets[0] + flow.Packets[1] + flow.Copies
	d.first, d.own = flow.First, true
	if flow.Predecessor.Conn != 0 {
		d.first, d.own = flow.Predecessor.First, false
		frames += flow.Predecessor.Frames
	}
	d.whole = frames <= uint64(o.MaxFrames)
	d.body = room.body()
	d.writer = pcapng.NewWriter(d.body)
	return d
}

// silence is a time without any frame after which a capture proves no absence.
const silence = int64(time.Hour)

// wants reports whether a segment of the four-tuple is the connection's. A SYN
// behind its last segment is the next one's: it ends the record, unless so much
// later that the file, without what others sent in the meantime, would end
// before it.
func (d *dossier) wants(seg *reassembly.Segment) bool {
	switch {
	case !d.begun:
		d.begun = seg.At == d.first || d.o.Remembered && seg.At > d.first
		d.heard = seg.At
		return d.begun
	case d.over || seg.At > d.end:
		return false
	case seg.At > d.finding.Flow.Last && seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN:
		d.over = true
		return seg.At-d.heard <= silence
	}
	d.heard = max(d.heard, seg.At)
	return true
}

// take keeps a frame of the connection, or holds it until it is known whether
// what follows is kept.
func (d *dossier) take(rec *record, seg *reassembly.Segment) {
	role, tells := "", false
	if t := d.telling[rec.id]; t != nil && t.mark == reassembly.MarkOf(seg) {
		role, tells = t.role, true
		delete(d.telling, rec.id)
	}
	if keeps := d.keeps(seg); keeps || tells || d.over {
		d.release()
		d.write(rec, role)
	} else if leadsUp := seg.At >= d.finding.Start-leadUp && seg.At < d.finding.Start; leadsUp {
		d.hold(rec, max(d.o.MaxFrames/4, maxHeld))
	} else {
		d.hold(rec, maxHeld)
	}
}

// leadUp is what is kept before the anchor: long enough for whatever detectors
// count of the short past, and for the numbers to settle behind a cut.
const leadUp = int64(3 * time.Second)

// keeps reports whether the frame is one of those that the finding comes from.
func (d *dossier) keeps(seg *reassembly.Segment) bool {
	if !d.own && seg.At >= d.finding.Flow.First && seg.Flags&reassembly.SYN != 0 {
		d.own, d.opening = true, opening{}
	}
	switch {
	case d.whole:
		return d.frames < d.o.MaxFrames
	case d.opening.takes(seg):
		return true
	}
	return d.finding.Start <= seg.At && seg.At <= d.finding.End && d.frames < d.o.MaxFrames
}

// maxHeld is how many frames before a telling one are kept with it, and how
// many at the end of the connection, at least.
const maxHeld = 32

// hold keeps a frame for the time being, with as many before it as asked for,
// or up to twice as many.
func (d *dossier) hold(rec *record, before int) {
	if n := len(d.held) - before; n >= before {
		d.missed += uint64(n)
		d.held = slices.Delete(d.held, 0, n)
	}
	kept := *rec
	kept.data = slices.Clone(rec.data)
	d.held = append(d.held, kept)
}

// release writes what is held.
func (d *dossier) release() {
	if d.missed > 0 {
		d.cuts = append(d.cuts, cut{d.frames, d.missed})
		d.missed = 0
	}
	for i := range d.held {
		d.write(&d.held[i], "")
	}
	clear(d.held) // they may be large
	d.held = d.held[:0]
}

// write writes a frame, with what it tells. An error shows when the file is
// made.
func (d *dossier) write(rec *record, role string) {
	tap, known := d.taps[rec.tap]
	if !known {
		tap, _ = d.writer.Interface(pcapng.Interface{Link: rec.tap.link, Name: d.name(rec.id.file)})
		d.taps[rec.tap] = tap
	}
	p := pcapng.Packet{Interface: tap, At: rec.at, Data: rec.data, Len: rec.wire}
	if role != "" {
		p.Comment = d.remark(rec.id, role)
	}
	d.writer.Packet(&p)
	d.frames++
	if last := len(d.origin) - 1; last >= 0 && d.origin[last].file == rec.id.file && d.origin[last].to+1 == rec.id.frame {
		d.origin[last].to++
	} else if len(d.origin) < maxStretches {
		d.origin = append(d.origin, stretch{rec.id.file, rec.id.frame, rec.id.frame})
	}
}
