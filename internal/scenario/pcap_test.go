package scenario_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// read reads a capture as the command does: its segments, with the times of the
// file, the number of all frames, and what the reader says about it.
func read(input []byte) (segs []reassembly.Segment, frames uint32, info capture.Info, err error) {
	tr, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(input), Text: scenario.Pcapng})
	if len(errs) > 0 {
		return nil, 0, info, errs[0]
	}
	d := decode.Decoder{VerifyChecksums: true}
	var fr capture.Frame
	for tr.Next(&fr) == nil {
		var seg reassembly.Segment
		seg.At, seg.Frame = tr.RawTime(fr.File, fr.Num, fr.At), fr.Num
		frames = fr.Num
		if why := d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg); why == decode.OK {
			segs = append(segs, seg)
		}
	}
	info = tr.Infos()[0]
	if tr.Steps() > 0 {
		info.Warnings = nil // the trace steps back, which gives a warning
	}
	return segs, frames, info, errors.Join(info.Err, tr.Close())
}

// same compares a capture's segments with those it was made of. Of hashes, only
// whether two are equal means anything.
func same(got, want []reassembly.Segment) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d segments, want %d", len(got), len(want))
	}
	type hash struct {
		direction [2]reassembly.Endpoint // none for tunnels
		value     uint32
	}
	forth, back := map[hash]uint32{}, map[hash]uint32{}
	alike := func(direction [2]reassembly.Endpoint, got, want uint32) bool {
		g, w := hash{direction, got}, hash{direction, want}
		if _, ok := forth[g]; !ok {
			forth[g] = want
		}
		if _, ok := back[w]; !ok {
			back[w] = got
		}
		return forth[g] == want && back[w] == got
	}
	for i := range got {
		g, w := got[i], want[i]
		if !alike([2]reassembly.Endpoint{w.Src, w.Dst}, g.Link, w.Link) {
			return fmt.Errorf("frame %d: link-layer addresses differ otherwise", w.Frame)
		}
		if !alike([2]reassembly.Endpoint{}, g.Tunnel, w.Tunnel) || (g.Tunnel == 0) != (w.Tunnel == 0) {
			return fmt.Errorf("frame %d: tags differ otherwise", w.Frame)
		}
		g.Link, g.Tunnel = w.Link, w.Tunnel
		if g != w {
			return fmt.Errorf("got  %+v\nwant %+v", g, w)
		}
	}
	return nil
}

// captures makes a capture of the trace, reads it, and compares.
func captures(tr *scenario.Trace) error {
	packets, err := tr.Pcapng()
	if err != nil {
		return err
	}
	segs, frames, info, err := read(packets)
	if err != nil {
		return err
	}
	var last uint32
	end := tr.Start
	for i := range tr.Lines {
		at := tr.Lines[i].Seg.At
		if last = max(last, tr.Lines[i].Seg.Frame); end-at > int64(time.Second) { // the clock was set back, so the later end counts
			end = at
		}
		end = max(end, at)
	}
	if frames != last {
		return fmt.Errorf("%d frames, want %d", frames, last)
	}
	if last > 0 && info.End != end || len(info.Warnings) > 0 {
		return fmt.Errorf("the end is %d, want %d; warnings %q", info.End, end, info.Warnings)
	}
	return same(segs, tr.Segments())
}

const varied = `
start 2020-02-29T12:00:00.000000001Z
host v6 [2001:db8::1]:80
host v6too [2001:db8::2]:40001 {vlan 3,ttl 1}
iss client 4294967290
0.000 client > server  SEW 0:0(0) win 64240 <mss 1460,sackOK,ts 1 0,wscale 7>
+.01  server > client  S.  0:0(0) ack 1 win 65160 <wscale 255>
drop +.001 client > server . 1:1(0) ack 1 win 502
+.001 client > server  P.  1:11(10) ack 1 win 502 {id 9,vlan 7}
+.000000001 copy {mac 2}
+5    other
+.1   server > client  .   0:1(1) ack 11 win 0 <sack -3:5 9:12 13:14 15:16>
+.1   v6 > v6too       none 5:5(0) win 1 {cut}
+.1   v6 > v6too       .   5:5(0) ack 1 win 1 <ts 1 2> {malformed}
+.1   v6too > v6       FU. 1:8(7) ack 1 win 1 <ts 1 2,wscale 3> {malformed}
+.1   v6too > v6       FU. 1:8(7) ack 1 win 1 <ts 1 2,wscale 3> {cut}
+.1   client > server  P.  1:70001(70000) ack 1 win 1
+.1   v6 > v6too       P.  1:70001(70000) ack 1 win 1
+.1   client > client  S   9:9(0) win 1 {id 0}
+60   end
`

func TestPcapng_readBack(t *testing.T) {
	for _, text := range []string{varied, "5 client > server S 0:0(0) win 1\n-.5 other", "7 end"} {
		f, err := scenario.Parse("x", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := captures(f.Traces[0]); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
}

func TestPcapng_several(t *testing.T) {
	const line = "0 client > server S 0:0(0) win 1\n"
	_, err := scenario.Pcapng([]byte("-- trace --\n" + line + "-- trace --\n" + line))
	if err == nil || !strings.Contains(err.Error(), "2 traces") {
		t.Errorf("got %v", err)
	}
	if _, err = scenario.Pcapng([]byte("?")); err == nil || !strings.HasPrefix(err.Error(), "1:1: ") {
		t.Errorf("got %v", err)
	}
}
