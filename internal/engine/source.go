package engine

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Source gives the segments of a trace, or of some of its connections, in the
// order of the trace. All segments of a four-tuple come from one source.
type Source interface {
	// Next fills in every field of a segment, captured or quoted by an ICMP error, and
	// returns its position among all of the trace, which grows from call to call. Any
	// error is the end.
	Next(*reassembly.Segment) (position uint64, err error)
	// Stats is what the trace as a whole shows. It is called once, after the last
	// Next; the result is the caller's.
	Stats() *stats.Trace
}

// frames is the source of segments that captures are.
type frames struct {
	frameStats
	points  []pointStats // of each of several capture points
	ctx     context.Context
	files   *capture.Trace
	options *Options
	decoder *decode.Decoder
	ahead   [together]capture.Frame // that were read together
	tap     int                     // of the frame that Next read last

	position uint64    // of the last segment, those included that ICMP errors quote
	some     []bool    // by file: it has TCP segments
	overlong []uint64  // by file: packets that are longer than their frame, as they say
	headers  []headers // by file
}

// together is how many frames are read at a time: few enough that they are still in the
// cache when they are decoded.
const together = 64

// Frames is the source of the segments that captures hold. It ends when ctx is
// done.
func Frames(ctx context.Context, trace *capture.Trace, o *Options) Placed {
	if runtime.GOMAXPROCS(0) > 1 {
		trace.ReadAhead(readAhead)
	}
	f := &frames{ctx: ctx, files: trace, options: o, decoder: decode.New()}
	f.decoder.VerifyChecksums, f.decoder.DNS = o.VerifyChecksums, o.DNS
	if o.Points != nil {
		f.points = make([]pointStats, o.Points.N)
	}
	return f
}

// Next decodes frames until one has a segment.
func (f *frames) Next(seg *reassembly.Segment) (uint64, error) {
	fr := &f.ahead[0]
	for f.decoder.More() || f.trace.Packets%checkEvery != 0 || f.ctx.Err() == nil {
		var reason decode.Reason
		if f.decoder.More() {
			reason = f.decoder.Next(seg)
		} else if err := f.files.Next(fr); err != nil {
			return 0, err
		} else if f.leftOut(fr) {
			continue
		} else {
			f.frame(fr)
			f.tap = f.sort(fr)
			if reason = f.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, seg); reason != decode.OK {
				f.other(fr)
				if f.tap >= 0 && f.points != nil {
					f.points[f.tap].other(fr)
				}
			}
		}
		f.decoded(fr.File)
		if f.tap >= 0 && f.points != nil {
			f.points[f.tap].counts(reason)
		}
		if !f.counts(reason) {
			continue
		}
		if int(fr.File) >= len(f.some) || !f.some[fr.File] {
			f.saw(fr.File)
		}
		f.position++
		if reason == decode.OK {
			f.header(fr.File).numbering.Add(seg)
		}
		if f.tap < 0 {
			continue
		}
		seg.At, seg.Frame, seg.File, seg.Tap, seg.Missing = fr.At, fr.Num, fr.File, uint8(f.tap), fr.Missing
		return f.position, nil
	}
	return 0, io.EOF
}

// leftOut reports whether a frame does not count: it came too late, or does not match the filter.
func (f *frames) leftOut(fr *capture.Frame) bool {
	if f.trace.Packets == 0 {
		f.trace.Start = fr.At
	}
	if f.options.Until != 0 && fr.At > f.options.Until || f.options.Match != nil && !f.options.Match(fr) {
		f.trace.Packets++
		return true
	}
	return false
}

// saw notes that a file has TCP segments.
func (f *frames) saw(file uint16) {
	for len(f.some) <= int(file) {
		f.some = append(f.some, false)
	}
	f.some[file] = true
}

// headers are how many IPv4 headers have a right checksum, and how many a wrong one, and how segments are numbered.
type headers struct {
	right, wrong uint64
	numbering    stats.Numbering
}

// header are those of a file.
func (f *frames) header(file uint16) *headers {
	for len(f.headers) <= int(file) {
		f.headers = append(f.headers, headers{})
	}
	return &f.headers[file]
}

// decoded notes what the decoder counted in frames of a file.
func (f *frames) decoded(file uint16) {
	h, d := f.header(file), f.decoder
	h.right, h.wrong = h.right+d.Right, h.wrong+d.Wrong
	d.Right, d.Wrong = 0, 0
	if d.Overlong > 0 {
		f.sawOverlong(file)
	}
}

// sawOverlong notes how many packets of a file say that they are longer than their frame.
func (f *frames) sawOverlong(file uint16) {
	for len(f.overlong) <= int(file) {
		f.overlong = append(f.overlong, 0)
	}
	f.overlong[file] += f.decoder.Overlong
	f.decoder.Overlong = 0
}

// Stats is what the frames read so far show. One of several files without any TCP gets
// a warning.
func (f *frames) Stats() *stats.Trace {
	s := f.whole(max(f.trace.Last, f.files.End()))
	infos := f.files.Infos()
	for i, info := range infos {
		c := info.Capture
		if len(infos) > 1 && info.Format != "" && (i >= len(f.some) || !f.some[i]) {
			c.Warnings = append(slices.Clip(c.Warnings), NoSegmentsInFile)
		}
		if i < len(f.overlong) && f.overlong[i] > 0 {
			c.Warnings = append(slices.Clip(c.Warnings), fmt.Sprintf(overlong, f.overlong[i]))
		}
		if i < len(f.headers) {
			h := &f.headers[i]
			if c.Damaged = stats.Damaged(h.right, h.wrong); c.Damaged {
				c.Warnings = append(slices.Clip(c.Warnings), fmt.Sprintf(damagedFile, h.wrong))
			}
			if c.Made = h.numbering.Made(); c.Made {
				c.Warnings = append(slices.Clip(c.Warnings), madeFile)
			}
		}
		if i < len(f.rhythms) {
			c.Batches = f.rhythms[i].Batches()
		}
		if s.Untimed() {
			c.Warnings = append(slices.Clip(c.Warnings), untimedFile)
		}
		s.Captures = append(s.Captures, c)
	}
	return s
}

// overlong is the warning about damaged frames, or a damaged file.
const overlong = "packets longer than their frame was on the wire, as their IP header says: %d; the length of the frame counts"

// damagedFile is the warning about a file whose bytes are damaged.
const damagedFile = "wrong checksums of IPv4 headers, beside more that are right: %d; bytes of this capture are damaged, so everything found in it is undecided"

// madeFile is the warning about a file that a program made.
const madeFile = "all segments, of several hosts, have the same IP ID: a program made them, so everything found in it is undecided"

// untimedFile is the warning about a file without times.
const untimedFile = "all packets have the same time, so everything found in it is undecided"

// NoSegmentsInFile is the warning about a file without TCP segments, or of which none was
// to be analysed.
const NoSegmentsInFile = "no TCP segment of this file was analysed"

// frameStats is what is counted of the frames of a trace, whatever is in them.
type frameStats struct {
	trace   stats.Trace
	skipped [decode.NumReasons]uint64
	rhythms []stats.Rhythm // by file
}

// frame counts a frame and keeps the time.
func (s *frameStats) frame(fr *capture.Frame) {
	s.trace.Frame(fr.At, fr.Stepped)
	s.rhythm(fr.File).Frame(fr.At)
}

// other takes a frame without a segment.
func (s *frameStats) other(fr *capture.Frame) {
	s.rhythm(fr.File).Other(uint32(fr.Link), fr.Data, fr.At)
}

// rhythm is that of a file.
func (s *frameStats) rhythm(file uint16) *stats.Rhythm {
	for len(s.rhythms) <= int(file) {
		s.rhythms = append(s.rhythms, stats.Rhythm{})
	}
	return &s.rhythms[file]
}

// counts counts a decoded frame and reports whether it has something for a
// connection: a segment, or an ICMP error that quotes one.
func (s *frameStats) counts(reason decode.Reason) bool {
	if reason == decode.OK {
		s.trace.Segments++
		return true
	}
	s.skipped[reason]++
	return reason == decode.ICMPError
}

// whole is what a trace shows that ends so.
func (s *frameStats) whole(end int64) *stats.Trace {
	t := s.trace
	t.End = end
	t.Blinded(s.rhythms)
	for reason, n := range s.skipped {
		if n > 0 {
			t.Skipped = append(t.Skipped, stats.Skipped{Reason: decode.Reason(reason).String(), N: n})
		}
	}
	return &t
}
