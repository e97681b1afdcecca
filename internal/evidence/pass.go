package evidence

import (
	"context"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A pass reads the trace once more and adds frames to the findings of their
// four-tuple.
type pass struct {
	o       *Options
	decoder *decode.Decoder
	bundles []*bundle // in order of the findings
	byKey   map[reassembly.Key][]*bundle
	until   int64 // when the last of them ends
	buffers *buffers
	rebuilt []byte // the frame that is rebuilt
	headers *headers
}

func newPass(dir string, r *result.Report, o *Options) *pass {
	p := &pass{o: o, decoder: decode.New(), byKey: map[reassembly.Key][]*bundle{}, buffers: &buffers{dir: dir, max: maxBuffered}}
	p.decoder.VerifyChecksums = o.VerifyChecksums
	ends := map[*result.Flow]int64{}
	for i := range r.Findings {
		f := &r.Findings[i]
		ends[f.Flow] = max(ends[f.Flow], f.End, f.Flow.Last)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		b := newBundle(r, f, ends[f.Flow], o, p.buffers.add())
		p.bundles = append(p.bundles, b)
		p.byKey[f.Flow.Key] = append(p.byKey[f.Flow.Key], b)
		p.until = max(p.until, b.end)
		if o.Point != nil {
			b.addOtherTaps(r)
		}
		for i := range b.otherTaps {
			s := &b.otherTaps[i]
			if s.key != f.Flow.Key {
				p.byKey[s.key] = append(p.byKey[s.key], b)
			}
			p.until = max(p.until, s.last)
		}
		if f.Flow.Ending == "replaced" {
			p.until = max(p.until, f.End+answerTime)
		}
	}
	return p
}

const (
	checkEvery = 4096 // frames between two looks at the context

	// disorder is how far trace time may step back between two frames.
	disorder = int64(time.Second)
)

func (p *pass) read(ctx context.Context, trace Source) error {
	p.headers, _ = trace.(*headers)
	var fr capture.Frame
	for n := 0; ; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if trace.Next(&fr) != nil || fr.At > p.until+disorder {
			return nil // damage was reported the first time
		}
		if p.o.Match == nil || p.o.Match(&fr) {
			p.process(&fr)
		}
	}
}

// process adds a frame to the bundles that want it.
func (p *pass) process(fr *capture.Frame) {
	if p.headers != nil {
		p.segment(fr, &p.headers.seg, true)
		return
	}
	var decoded reassembly.Segment
	alone := true
	for reason := range p.decoder.Packets(uint32(fr.Link), fr.Data, fr.Len, fr.At, &decoded) {
		alone = alone && !p.decoder.More()
		if reason == decode.OK || reason == decode.ICMPError {
			p.segment(fr, &decoded, alone)
		}
	}
}

// segment adds one of a frame. Unless it is alone there, it becomes a frame of its own.
func (p *pass) segment(fr *capture.Frame, decoded *reassembly.Segment, alone bool) {
	decoded.At, decoded.Frame, decoded.File, decoded.Missing = fr.At, fr.Num, fr.File, fr.Missing
	seg := *decoded
	if p.o.Anonymize != nil {
		p.o.Anonymize.Segment(&seg)
	}
	if p.o.Point != nil {
		seg.Tap = uint8(p.o.Point(fr))
	}
	key, _ := reassembly.KeyOf(&seg)
	var f *frame
	for _, b := range p.byKey[key] {
		other := b.finding.Evidence[0].Seg.Tap != seg.Tap
		if other && !b.sees(&seg, &key) || !other && !b.wants(&seg) {
			continue
		}
		if f == nil {
			f = p.frame(fr, decoded, alone)
		}
		if f.tap.point = seg.Tap; other {
			b.write(f, b.elsewhere[f.id])
		} else {
			b.add(f, &seg)
		}
	}
}

// A tapID identifies an interface of what is written: one for each link type of
// each input and capture point, and for each kind of what text does not say.
type tapID struct {
	file, link uint16
	point      uint8
	text       bool // the frames were rebuilt from text
	missing    reassembly.Missing
}

// description is what the file says of the interface.
func (t tapID) description() string {
	if !t.text {
		return ""
	}
	return capture.DescribeMissing(t.missing)
}

// A frame is a frame as it is to be written.
type frame struct {
	id   result.FrameID
	tap  tapID
	at   int64
	data []byte
	wire int // its length on the wire
}

const linkEthernet = uint16(capture.LinkEthernet)

// frame is what is to be written of a captured frame. Its bytes are valid until
// the next call. A segment that came in IP fragments is one frame, and each of an A-MSDU, too.
func (p *pass) frame(fr *capture.Frame, seg *reassembly.Segment, alone bool) *frame {
	f := &frame{id: result.FrameID{File: fr.File, Frame: fr.Num}, tap: tapID{file: fr.File, link: uint16(fr.Link), text: fr.Text, missing: fr.Missing}, at: fr.At, data: fr.Data, wire: fr.Len}
	from, to := -1, 0
	if alone {
		from, to = tcpHeader(fr, seg)
	}
	switch {
	case p.o.Anonymize != nil:
		original := anonymize.Frame{Link: uint32(fr.Link), Data: fr.Data, TCP: from, Seg: *seg}
		f.data, f.wire = p.o.Anonymize.AppendFrame(p.rebuilt[:0], &original, p.o.Payload)
		f.tap.link, p.rebuilt = linkEthernet, f.data
	case from < 0:
		var headers int
		f.data, headers = packet.Append(p.rebuilt[:0], seg, packet.Form{})
		f.wire = headers + packet.Payload(seg)
		f.tap.link, p.rebuilt = linkEthernet, f.data
	case !p.o.Payload:
		f.data = fr.Data[:to]
	}
	return f
}
