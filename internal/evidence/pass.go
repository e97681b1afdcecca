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

// A pass reads the trace once more and deals frames to the findings of their
// four-tuple.
type pass struct {
	o        *Options
	decoder  *decode.Decoder
	dossiers []*dossier // in order of the findings
	byKey    map[reassembly.Key][]*dossier
	until    int64 // when the last of them ends
	room     *room
	frame    []byte // the one being made anew
	headers  *headers
}

func newPass(dir string, r *result.Report, o *Options) *pass {
	p := &pass{o: o, decoder: decode.New(), byKey: map[reassembly.Key][]*dossier{}, room: &room{dir: dir, max: maxRoom}}
	p.decoder.VerifyChecksums = o.VerifyChecksums
	ends := map[*result.Flow]int64{}
	for i := range r.Findings {
		f := &r.Findings[i]
		ends[f.Flow] = max(ends[f.Flow], f.End, f.Flow.Last)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		d := newDossier(r, f, ends[f.Flow], o, p.room)
		p.dossiers = append(p.dossiers, d)
		p.byKey[f.Flow.Key] = append(p.byKey[f.Flow.Key], d)
		p.until = max(p.until, d.end)
	}
	return p
}

const (
	checkEvery = 4096 // frames between two looks at the context

	// disorder is how far trace time may go back from one frame to the next.
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
			return nil // what was damaged was told the first time
		}
		if p.o.Match == nil || p.o.Match(&fr) {
			p.take(&fr)
		}
	}
}

// take deals out a frame.
func (p *pass) take(fr *capture.Frame) {
	var decoded reassembly.Segment
	if p.headers != nil {
		decoded = p.headers.seg
	} else if p.decoder.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &decoded) != decode.OK {
		return
	}
	decoded.At, decoded.Frame, decoded.File = fr.At, fr.Num, fr.File
	seg := decoded
	if p.o.Anonymize != nil {
		p.o.Anonymize.Segment(&seg)
	}
	key, _ := reassembly.KeyOf(&seg)
	var rec *record
	for _, d := range p.byKey[key] {
		if !d.wants(&seg) {
			continue
		}
		if rec == nil {
			rec = p.record(fr, &decoded)
		}
		d.take(rec, &seg)
	}
}

// A frameID names a frame in all inputs.
type frameID struct {
	file  uint16
	frame uint32
}

// A tapID names an interface of what is written: one for each link type of each
// input.
type tapID struct{ file, link uint16 }

// A record is a frame as it is to be written.
type record struct {
	id   frameID
	tap  tapID
	at   int64
	data []byte
	wire int // its length there
}

const linkEthernet = uint16(capture.LinkEthernet)

// record makes of a frame what is to be written of it. Its bytes are valid
// until the next call. What came in IP fragments is made whole.
func (p *pass) record(fr *capture.Frame, seg *reassembly.Segment) *record {
	rec := &record{id: frameID{fr.File, fr.Num}, tap: tapID{fr.File, uint16(fr.Link)}, at: fr.At, data: fr.Data, wire: fr.Len}
	from, to := tcpHeader(fr, seg)
	switch {
	case p.o.Anonymize != nil:
		f := anonymize.Frame{Link: uint32(fr.Link), Data: fr.Data, TCP: from, Seg: *seg}
		rec.data, rec.wire = p.o.Anonymize.AppendFrame(p.frame[:0], &f, p.o.Payload)
		rec.tap.link, p.frame = linkEthernet, rec.data
	case from < 0:
		var headers int
		rec.data, headers = packet.Append(p.frame[:0], seg, packet.Form{})
		rec.wire = headers + int(seg.Len)
		rec.tap.link, p.frame = linkEthernet, rec.data
	case !p.o.Payload:
		rec.data = fr.Data[:to]
	}
	return rec
}
