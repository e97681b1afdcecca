package metamorphic

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A capture becomes text, and the text a capture again.
func TestPasted(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		if c.fallsSilent() || c.goesBack() || c.frames[0].other { // the text has only TCP, and no clock that is set back
			return
		}
		file := plain.pcap(c.frames)
		rep, err := analyse(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.Unanswered && f.Scope == detectors.WholeCapture {
				return // nobody reached a host of several networks: in the text, all hosts are of one
			}
		}
		text := scenario.New(connections(t, rep, file), rep.Trace.End).Append(nil)
		again, err := scenario.Pcapng(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		pasted, err := analyse(again)
		if err != nil {
			t.Fatal(err)
		}
		c.withoutOthers(rep).sameFindings(t, summarise(pasted, nil))
		if t.Failed() {
			t.Logf("of\n%s", text)
		}
	})
}

// withoutOthers is the summary with frames numbered as in the text, which has only
// TCP, and the ICMP errors that quote it.
func (c *conversation) withoutOthers(rep *result.Report) *summary {
	number := make([]uint32, len(c.frames)+1)
	for i := range c.frames {
		number[i+1] = number[i]
		if !c.frames[i].other || c.frames[i].quotesTCP() {
			number[i+1]++
		}
	}
	return summarise(rep, func(_ uint16, frame uint32) uint32 { return number[frame] })
}

// connections are the connections of the report, with their segments.
func connections(t *testing.T, rep *result.Report, file []byte) []scenario.Conn {
	t.Helper()
	var conns []scenario.Conn
	byKey := map[reassembly.Key]int{}
	for i := range rep.Flows {
		fl := &rep.Flows[i]
		if _, known := byKey[fl.Key]; known { // four-tuple reused: one connection of the text
			continue
		}
		byKey[fl.Key] = len(conns)
		conns = append(conns, scenario.Conn{Ends: fl.End, ISN: fl.ISS})
	}
	for _, seg := range segments(t, file) {
		key, _ := reassembly.KeyOf(&seg)
		c := &conns[byKey[key]]
		c.Segs = append(c.Segs, seg)
	}
	return conns
}

// segments decodes a capture.
func segments(t *testing.T, file []byte) []reassembly.Segment {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	defer trace.Close()
	d := decode.New()
	var segs []reassembly.Segment
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		var seg reassembly.Segment
		if why := d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg); why == decode.OK || why == decode.ICMPError {
			seg.At, seg.Frame = fr.At, fr.Num
			segs = append(segs, seg)
		}
	}
	return segs
}

// sortByTime puts the frames of several conversations into one order.
func sortByTime(frames []frame) {
	slices.SortStableFunc(frames, func(a, b frame) int { return int(a.at - b.at) })
}
