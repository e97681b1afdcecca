package engine

import (
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// plain hands on the segments of the next frames, as Next and hand do, as long as nothing is
// unusual about them and nothing but their analysis is asked for. Next reads what comes then.
func (f *frames) plain(p *pool) {
	if f.trace.Packets == 0 || f.decoder.More() || f.points != nil || f.options.Match != nil || f.options.Until != 0 || f.options.Rewrite != nil || f.options.longWay {
		return
	}
	for f.ctx.Err() == nil {
		some := together
		if n, is := f.run(p); is && n >= together {
			some = 1 // most are plain
		}
		n := f.files.Plain(f.ahead[:some])
		if n == 0 {
			return
		}
		before, file := f.position, f.ahead[0].File
		f.trace.Frames(n, f.ahead[0].At, f.ahead[n-1].At, func(i int) int64 { return f.ahead[i].At })
		rhythm := f.rhythm(file)
		steady := rhythm.Frames(n, f.ahead[0].At, f.ahead[n-1].At)
		for rest := f.ahead[:n]; len(rest) > 0; {
			room := p.room()
			some := rest[:min(len(rest), len(room))]
			k := f.decodePlain(some, room, file)
			if !steady {
				for i := range rest[:min(k+1, len(some))] {
					rhythm.Frame(rest[i].At)
				}
			}
			if k > 0 {
				f.segments(room[:k], file, p)
			}
			if k < len(some) {
				f.decodeOther(&rest[k], p, file)
				k++
			}
			rest = rest[k:]
		}
		if f.position > before {
			f.saw(file)
		}
		f.decoded(file)
	}
}

// run hands on the segments of records that are decoded where they lie, and returns how many. It reports false if
// there are none of this kind.
func (f *frames) run(p *pool) (all int, is bool) {
	for {
		records, is := f.files.Window()
		if !is {
			return all, false
		}
		room := p.room()
		n, bytes, last := f.decoder.Run(&records, room)
		if n > 0 {
			f.files.Passed(n, bytes, last)
			f.trace.Frames(n, room[0].At, last, func(i int) int64 { return room[i].At })
			if rhythm := f.rhythm(records.File); !rhythm.Frames(n, room[0].At, last) {
				for i := range room[:n] {
					rhythm.Frame(room[i].At)
				}
			}
			f.segments(room[:n], records.File, p)
			f.saw(records.File)
			f.decoded(records.File)
		}
		if all += n; n < len(room) || f.ctx.Err() != nil {
			return all, true
		}
	}
}

// segments hands on the first segments in the pool's room.
func (f *frames) segments(segs []reassembly.Segment, file uint16, p *pool) {
	n := &f.header(file).numbering
	for i := 0; i < len(segs) && !n.Varied(); i++ {
		n.Add(&segs[i])
	}
	f.trace.Segments += uint64(len(segs))
	p.handAll(len(segs), f.position+1)
	f.position += uint64(len(segs))
}

// decodePlain decodes the first frames as long as they are what nearly every frame is, and returns
// how many that are.
func (f *frames) decodePlain(frs []capture.Frame, room []reassembly.Segment, file uint16) int {
	for i := range frs {
		fr, seg := &frs[i], &room[i]
		if fr.Link != capture.LinkEthernet || !f.decoder.Plain(fr.Data, fr.Len, seg) {
			return i
		}
		seg.At, seg.Frame, seg.File, seg.Tap, seg.Missing = fr.At, fr.Num, file, 0, fr.Missing
	}
	return len(frs)
}

// decodeOther hands on what is in a frame.
func (f *frames) decodeOther(fr *capture.Frame, p *pool, file uint16) {
	seg := p.slot()
	reason := f.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, seg)
	if reason != decode.OK {
		f.rhythm(file).Other(uint32(fr.Link), fr.Data, fr.At)
	}
	for {
		if f.counts(reason) {
			f.position++
			if reason == decode.OK {
				f.header(file).numbering.Add(seg)
			}
			seg.At, seg.Frame, seg.File, seg.Tap, seg.Missing = fr.At, fr.Num, file, 0, fr.Missing
			p.hand(f.position)
			seg = p.slot()
		}
		if !f.decoder.More() {
			return
		}
		reason = f.decoder.Next(seg)
	}
}
