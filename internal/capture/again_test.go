package capture

import (
	"fmt"
	"strings"
	"testing"
)

// A program that writes runs of frames twice did not set its clock.
func TestTrace_framesWrittenTwice(t *testing.T) {
	const ms, usec = sec / 1000, sec / 1e6
	type frame struct {
		at   int64
		data string
	}
	back := []frame{{100 * sec, "a"}, {99*sec + 998*ms, "b"}} // from here on, frames are remembered
	run := append(back, frame{101 * sec, "c"}, frame{103 * sec, "d"}, frame{105 * sec, "e"})
	tests := []struct {
		name   string
		more   []frame
		want   string // how many frames are read, of all, and what the warning begins with
		frames uint64
	}{
		{"a run", []frame{{101 * sec, "c"}, {103 * sec, "d"}, {105 * sec, "e"}, {106 * sec, "f"}}, "6 to 106s, frames that are in it twice", 9},
		{"rounded", []frame{{101*sec + usec, "c"}, {103*sec + usec, "d"}, {105*sec + usec, "e"}, {106 * sec, "f"}}, "6 to 106s, frames that are in it twice", 9},
		{"a late frame between", []frame{{101 * sec, "c"}, {102 * sec, "late"}, {103 * sec, "d"}, {106 * sec, "f"}}, "7 to 106s, frames that are in it twice", 9},
		{"other times", []frame{{101*sec + 3*usec, "c"}, {103*sec + 3*usec, "d"}, {106 * sec, "f"}}, "8 to 109s, the clock went back", 8},
		{"other bytes", []frame{{101 * sec, "x"}, {103 * sec, "y"}, {106 * sec, "f"}}, "8 to 110s, the clock went back", 8},
		{"in order", []frame{{105 * sec, "e"}}, "6 to 105s", 6},
	}
	for _, tt := range tests {
		ng := newPcapngWriter(littleEndian)
		ng.section()
		ng.iface(LinkRaw, opt{optResolution, []byte{9}})
		for _, f := range append(run[:len(run):len(run)], tt.more...) {
			ng.packet(0, uint64(f.at), []byte(f.data), len(f.data))
		}
		tr, errs := OpenTrace(save(t, map[string][]byte{"a": ng.Bytes()}), Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		var fr Frame
		n := 0
		for tr.Next(&fr) == nil {
			n++
		}
		info := tr.Infos()[0]
		got := strings.Join(append([]string{fmt.Sprintf("%d to %ds", n, tr.End()/sec)}, info.Warnings...), ", ")
		if !strings.HasPrefix(got, tt.want) || strings.Count(got, ", ") < strings.Count(tt.want, ", ") || info.Packets != tt.frames {
			t.Errorf("%s: %s; %d frames", tt.name, got, info.Packets)
		}
	}
}
