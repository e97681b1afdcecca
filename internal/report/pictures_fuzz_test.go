package report

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FuzzPictures draws connections whose clocks, numbers and classes are anything.
func FuzzPictures(f *testing.F) {
	const stepSize = 24
	ordinary := make([]byte, 0, 8*stepSize)
	for i := range uint64(8) {
		ordinary = binary.BigEndian.AppendUint64(ordinary, uint64(after(float64(i))))
		ordinary = binary.BigEndian.AppendUint32(ordinary, uint32(1000+i*100))
		ordinary = binary.BigEndian.AppendUint32(ordinary, uint32(i))
		ordinary = append(ordinary, byte(i), byte(reassembly.ACK), 0, 100, byte(i), 0, 1, 7)
	}
	f.Add(after(0), after(60), after(1), after(5), ordinary)
	f.Add(int64(-1<<63), int64(1<<63-1), int64(0), int64(1<<62), bytes.Repeat([]byte{0xff, 0, 0x7f, 0x80, 3}, 50))
	f.Add(int64(1<<63-1), int64(0), int64(-5), int64(-1<<63), bytes.Repeat([]byte{0x80}, 480))
	f.Fuzz(func(t *testing.T, first, last, start, end int64, steps []byte) {
		const bound = 1<<62 - 1 // what captures keep times within
		for _, at := range []*int64{&first, &last, &start, &end} {
			*at &= bound
		}
		r := everything()
		r.Findings = r.Findings[:1]
		found, flow := &r.Findings[0], r.Findings[0].Flow
		flow.First, flow.Last, found.Start, found.End = first, last, start, end
		r.Trace = result.Span{First: first, Last: last, End: end}
		o := testOptions()
		o.Connection = true
		o.Pictures = NewPictures(r, o)
		for ; len(steps) >= stepSize; steps = steps[stepSize:] {
			seg := reassembly.Segment{
				At:  int64(binary.BigEndian.Uint64(steps)) & bound,
				Seq: reassembly.Seq(binary.BigEndian.Uint32(steps[8:])), Ack: reassembly.Seq(binary.BigEndian.Uint32(steps[12:])),
				Flags: reassembly.Flags(steps[17]), Len: uint32(binary.BigEndian.Uint16(steps[18:])),
				Window: binary.BigEndian.Uint16(steps[20:]), Frame: uint32(steps[22]),
				Opts: reassembly.Options{Has: reassembly.HasScale, Scale: steps[23]},
			}
			step := result.Step{N: uint64(len(o.Steps) + 1), Seg: seg, Side: reassembly.Side(steps[16] & 1), Class: fsm.Class(steps[16] >> 1 % 14)}
			o.Pictures.Add(flow.ID, &step)
			o.Steps = append(o.Steps, step)
		}
		for _, o.Connection = range []bool{false, true} {
			page := withoutScript(written(t, HTML, r, o))
			checkHTML(t, page)
			if most := 300_000 + 1000*len(o.Steps); len(page) > most {
				t.Errorf("the page has %d bytes", len(page))
			}
		}
	})
}
