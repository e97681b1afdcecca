package engine

import (
	"context"
	"io"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Source gives the segments of a trace, or of some of its connections, in the
// order of the trace. All segments of a four-tuple come from one source.
type Source interface {
	// Next fills in every field of a segment and tells its position among all
	// TCP segments of the trace, which grows from call to call. Any error is the
	// end.
	Next(*reassembly.Segment) (position uint64, err error)
	// Facts are what the trace as a whole shows. They are asked for once, after
	// the last Next.
	Facts() *packed.Facts
}

// frames is the source of segments that captures are.
type frames struct {
	tally
	ctx     context.Context
	trace   *capture.Trace
	options *Options
	decoder *decode.Decoder
	fr      capture.Frame
}

func newFrames(ctx context.Context, trace *capture.Trace, o *Options) *frames {
	f := &frames{ctx: ctx, trace: trace, options: o, decoder: decode.New()}
	f.decoder.VerifyChecksums = o.VerifyChecksums
	return f
}

// Next decodes frames until one has a segment.
func (f *frames) Next(seg *reassembly.Segment) (uint64, error) {
	fr := &f.fr
	for f.facts.Packets%checkEvery != 0 || f.ctx.Err() == nil {
		if err := f.trace.Next(fr); err != nil {
			return 0, err
		}
		if fr.Packed != nil {
			if position, is := f.unpack(seg); is {
				return position, nil
			}
			continue
		}
		if f.facts.Packets == 0 {
			f.facts.Start = fr.At
		}
		if f.options.Until != 0 && fr.At > f.options.Until || f.options.Match != nil && !f.options.Match(fr) {
			f.facts.Packets++
			continue
		}
		f.frame(fr)
		if reason := f.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, seg); reason != decode.OK {
			f.skipped[reason]++
			continue
		}
		seg.At, seg.Frame, seg.File = fr.At, fr.Num, fr.File
		if f.options.Rewrite != nil {
			f.options.Rewrite(seg)
		}
		f.facts.Segments++
		return f.facts.Segments, nil
	}
	return 0, io.EOF
}

// unpack takes the segment of a shard.
func (f *frames) unpack(seg *reassembly.Segment) (position uint64, is bool) {
	f.facts.Packets++ // for the sake of ctx
	p := f.fr.Packed
	if f.options.Until != 0 && p.At > f.options.Until {
		return 0, false
	}
	*seg = p.Segment
	if f.options.Rewrite != nil {
		f.options.Rewrite(seg)
	}
	return p.Position, true
}

// split are the facts that shards tell, as far as they are about frames up to
// Until.
func (f *frames) split(facts *packed.Facts) *packed.Facts {
	until := f.options.Until
	if until == 0 {
		return facts
	}
	facts.Gaps = slices.DeleteFunc(slices.Clone(facts.Gaps), func(g packed.Gap) bool { return g.To > until })
	facts.Last, facts.End = min(facts.Last, until), until
	return facts
}

// Facts are those of the frames read so far.
func (f *frames) Facts() *packed.Facts {
	facts := f.trace.Facts()
	if facts != nil {
		facts = f.split(facts)
	} else {
		facts = f.recorded()
	}
	facts.Captures = nil
	for i, info := range f.trace.Infos() {
		facts.Captures = append(facts.Captures, captureOf(&info))
		facts.Captures[i].Steps = f.trace.ClockSteps(i)
	}
	return facts
}

// recorded are the facts of the frames read so far.
func (f *frames) recorded() *packed.Facts {
	end := max(f.facts.Last, f.trace.End())
	if f.options.Until != 0 {
		end = f.options.Until
	}
	return f.whole(end)
}

// captureOf is what is told of a file.
func captureOf(info *capture.Info) packed.Capture {
	c := packed.Capture{
		File: info.File, Format: info.Format, Compression: info.Compression, Packets: info.Packets, Bytes: info.Bytes,
		First: info.First, Last: info.Last, End: info.End, Drops: info.Drops, Warnings: info.Warnings,
	}
	for _, l := range info.LinkTypes {
		c.LinkTypes = append(c.LinkTypes, uint32(l))
	}
	return c
}
