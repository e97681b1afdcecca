package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A play is a conversation made of arbitrary bytes, six to a segment. The
// alphabets are small, so that arbitrary bytes close windows, probe and reset.
type play struct {
	now  int64
	next [4][2]reassembly.Seq // by four-tuple and side
	file []byte
	n    uint16
}

var (
	playedLengths = [8]uint32{0, 0, 0, 1, 1, 100, 1460, 30000}
	playedWindows = [8]uint16{0, 0, 1, 83, 500, 4096, 64240, 65535}
	playedPauses  = [16]time.Duration{
		0, 10 * time.Microsecond, time.Millisecond, 20 * time.Millisecond, 220 * time.Millisecond, 500 * time.Millisecond,
		time.Second, 2 * time.Second, 4 * time.Second, 9 * time.Second, 65 * time.Second, 130 * time.Second, 2 * time.Hour,
		-300 * time.Millisecond, -3 * time.Second, -3 * time.Hour,
	}
)

const (
	playedSize = 6   // bytes of a segment
	playedMost = 400 // segments
)

// segment plays the segment that six bytes make: who; flags; seq; ack; length
// and window; pause.
func (p *play) segment(b []byte) {
	tuple, side := b[0]&3, reassembly.Side(b[0]>>2&1)
	p.now += int64(playedPauses[b[5]&15])
	p.n++
	seg := reassembly.Segment{
		At: p.now, Flags: reassembly.Flags(b[1]), TTL: 64 - b[5]>>6,
		Seq: near(p.next[tuple][side], b[2]), Ack: near(p.next[tuple][side.Peer()], b[3]),
		Len: playedLengths[b[4]&7], Window: playedWindows[b[4]>>3&7],
		Src: played(tuple, side), Dst: played(tuple, side.Peer()),
	}
	if b[0]&8 == 0 {
		seg.IPID = p.n
	}
	if seg.Flags.Has(reassembly.SYN) && b[0]&16 != 0 {
		seg.Opts = reassembly.Options{Has: reassembly.HasMSS | reassembly.HasScale, MSS: 1460, Scale: b[4] >> 6 * 5}
	}
	if !seg.Flags.Has(reassembly.SYN) && b[0]&16 != 0 {
		seg.Opts.NBlocks = 1
		seg.Opts.Blocks[0] = reassembly.Block{From: seg.Ack + 10, To: seg.Ack + 10 + reassembly.Seq(b[4])}
	}
	if end := seg.End(); end.After(p.next[tuple][side]) || seg.Flags.Has(reassembly.SYN) {
		p.next[tuple][side] = end
	}
	var form packet.Form
	if b[0]&32 != 0 {
		form.Tags = []uint16{7}
	}
	p.write(&seg, form)
	if b[0]>>6 == 3 {
		p.write(&seg, form) // captured twice
	}
}

// near is a sequence number at or about where a side is, or far from it.
func near(at reassembly.Seq, b byte) reassembly.Seq {
	if b < 0xf0 {
		return at + reassembly.Seq(int8(b<<1)>>2)
	}
	return at + 1<<31 - 40 + reassembly.Seq(b&15)*8
}

func played(tuple byte, side reassembly.Side) reassembly.Endpoint {
	e := reassembly.Endpoint{Port: 5000 + uint16(side)*(1+uint16(tuple))}
	if copy(e.Addr[:], "\xfd\x00"); tuple < 2 {
		e.Addr = [16]byte{10: 0xff, 11: 0xff, 12: 10}
	}
	e.Addr[15] = 1 + byte(side)
	return e
}

// write adds the frame to the file, in the time that is left to the format.
func (p *play) write(seg *reassembly.Segment, form packet.Form) {
	frame, headers := packet.Append(nil, seg, form)
	for _, v := range []uint32{uint32(seg.At / 1e9), uint32(seg.At % 1e9), uint32(len(frame)), uint32(headers) + seg.Len} {
		p.file = binary.LittleEndian.AppendUint32(p.file, v)
	}
	p.file = append(p.file, frame...)
}

func playFile(script []byte) []byte {
	p := play{now: 1e18}
	for _, v := range []uint32{0xa1b23c4d, 4<<16 | 2, 0, 0, 1 << 16, 1} {
		p.file = binary.LittleEndian.AppendUint32(p.file, v)
	}
	for t := range p.next {
		p.next[t] = [2]reassembly.Seq{math.MaxUint32 - 50, 1<<31 - 50}
	}
	for ; len(script) >= playedSize && p.n < playedMost; script = script[playedSize:] {
		p.segment(script)
	}
	return p.file
}

func playTrace(t testing.TB, file []byte) *capture.Trace {
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	for _, err := range errs {
		t.Fatal(err)
	}
	return trace
}

// Whatever is played, nothing panics, no finding is without evidence or outside
// what its detector declares, none comes twice, and neither the number of
// workers nor hearing it live makes a difference.
func FuzzDetectors(f *testing.F) {
	const syn, ack, fin, rst = byte(reassembly.SYN), byte(reassembly.ACK), byte(reassembly.FIN), byte(reassembly.RST)
	open := []byte{16, syn, 0, 0, 6 << 3, 0, 20, syn | ack, 0, 0, 6 << 3, 2, 0, ack, 0, 0, 4 << 3, 1}
	add := func(more ...byte) { f.Add(append(bytes.Clone(open), more...), false) }
	add(0, ack, 0, 0, 4<<3|6, 2, 4, ack, 0, 0, 0, 3, // window closed
		0, ack, 127, 0, 4<<3, 4, 0, ack, 127, 0, 4<<3, 5, 0, ack, 127, 0, 4<<3, 6, 0, ack, 127, 0, 4<<3, 7, 0, ack, 127, 0, 4<<3, 8)
	add(0, fin|ack, 0, 0, 4<<3, 4, 4, ack, 0, 127, 4<<3, 9, 1, ack, 0, 0, 4<<3, 10) // FIN not acknowledged
	add(0, fin|ack, 0, 0, 4<<3, 4, 4, fin|ack, 0, 0, 4<<3, 3, 0, ack, 0, 0, 4<<3, 2, 0, ack, 0, 0, 4<<3, 3, 4, rst, 0, 0, 0, 2)
	// Within a second, the clock goes back: a RST 0.3 s before the SYN-ACK that it follows.
	f.Add([]byte{16, syn, 0, 0, 6 << 3, 0, 20, syn | ack, 0, 0, 6 << 3, 5, 0, rst, 0, 0, 0, 13}, false)
	f.Fuzz(func(t *testing.T, script []byte, crowded bool) {
		file := playFile(script)
		options := Options{Detectors: catalogue.All, AllFlows: true, Workers: 1}
		if crowded {
			options.MaxFlows = 1
		}
		want := Run(context.Background(), playTrace(t, file), options)
		checkFindings(t, want)
		options.Workers = 4
		if got := Run(context.Background(), playTrace(t, file), options); !reflect.DeepEqual(strip(got), strip(want)) {
			t.Errorf("four workers report\n%v\none\n%v", strip(got), strip(want))
		}
		if len(want.Gaps) > 0 { // live, an hour of silence is heard; in a file, nobody may have recorded
			return
		}
		if got := runLive(t, file, options); !reflect.DeepEqual(essence(got), essence(want)) {
			t.Errorf("live:\n%v\nfrom the file:\n%v", essence(got), essence(want))
		}
	})
}

// essence is what a live report shares with that of a file: connections leave
// it after their time, and findings alike in connection and anchor segment are
// numbered as they are reported.
func essence(r *result.Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, fmt.Sprintln(f.Detector, f.Outcome, f.Verdict, f.Reason, f.Metrics, f.Message))
	}
	return all
}

// checkFindings holds each finding against what its detector declares.
func checkFindings(t *testing.T, r *result.Report) {
	t.Helper()
	ids := map[string]bool{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if ids[f.ID] {
			t.Errorf("the ID %s comes twice", f.ID)
		}
		ids[f.ID] = true
		if len(f.Evidence) == 0 || f.Evidence[0].Seg.Frame == 0 {
			t.Fatalf("%s/%s has no evidence", f.Detector, f.Outcome)
		}
		for _, e := range f.Evidence {
			if e.Seg.Frame == 0 || e.Role == "" {
				t.Errorf("%s/%s: evidence %q is frame %d", f.Detector, f.Outcome, e.Role, e.Seg.Frame)
			}
		}
		if f.Flow == nil || f.Flow.End[0] != f.Evidence[0].Seg.Src && f.Flow.End[1] != f.Evidence[0].Seg.Src {
			t.Errorf("%s/%s: its anchor is none of its connection's", f.Detector, f.Outcome)
		}
		if !declares(f.Detector, f.Outcome) {
			t.Errorf("%s does not declare the outcome %q", f.Detector, f.Outcome)
		}
		if (f.Verdict == detectors.Undecided) != (f.Reason != "") {
			t.Errorf("%s/%s is %v because of %q", f.Detector, f.Outcome, f.Verdict, f.Reason)
		}
		if f.Message == "" || f.Title == "" || f.End < f.Start || negative.MatchString(f.Message) {
			t.Errorf("%s/%s: %q: %q, from %d to %d", f.Detector, f.Outcome, f.Title, f.Message, f.Start, f.End)
		}
		for _, m := range f.Metrics {
			if v, is := m.Value.(float64); is && (math.IsNaN(v) || math.IsInf(v, 0)) {
				t.Errorf("%s/%s: %s is %v", f.Detector, f.Outcome, m.Name, v)
			}
		}
	}
}

// negative is a time or a number of bytes below zero, in a sentence.
var negative = regexp.MustCompile(`[ (]-\d`)

func declares(detector, outcome string) bool {
	for _, d := range catalogue.All {
		for _, o := range d.Outcomes {
			if d.Name == detector && o.Name == outcome {
				return true
			}
		}
	}
	return false
}

// runLive is Run, frame by frame.
func runLive(t *testing.T, file []byte, o Options) *result.Report {
	t.Helper()
	last := map[string]result.Finding{}
	live := NewLive(o, func(f result.Finding) {
		if before, again := last[f.ID]; again && (before.Final || f.Revision < before.Revision) {
			t.Errorf("%s %s/%s came again after it was final, or older than it was", f.ID, f.Detector, f.Outcome)
		}
		last[f.ID] = f
	})
	trace := playTrace(t, file)
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		live.Frame(&fr)
	}
	var captures []result.Capture
	for _, info := range trace.Infos() {
		captures = append(captures, captureRow(&info.Capture))
	}
	r := live.Close(trace.End(), captures)
	for i := range r.Findings {
		f := &r.Findings[i]
		if reported := last[f.ID]; !reported.Final || reported.Outcome != f.Outcome || reported.Verdict != f.Verdict {
			t.Errorf("%s %s/%s %v was reported last as %s %v, final: %t", f.ID, f.Detector, f.Outcome, f.Verdict, reported.Outcome, reported.Verdict, reported.Final)
		}
	}
	return r
}
