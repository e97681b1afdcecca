//go:build !js

package cli

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What the kernel did goes to the finding whose evidence it is about, and nothing else does.
func TestKernelEventsOf(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:40000"), netip.MustParseAddrPort("10.0.0.2:443")
	ends := [2]reassembly.Endpoint{reassembly.EndpointFrom(a), reassembly.EndpointFrom(b)}
	const at = int64(time.Hour)
	fin := reassembly.Segment{At: at, Frame: 7, Src: ends[0], Dst: ends[1], Seq: 101, Flags: reassembly.FIN | reassembly.ACK}
	rst := reassembly.Segment{At: at + int64(time.Second), Frame: 9, Src: ends[1], Dst: ends[0], Seq: 1, Flags: reassembly.RST}
	f := &result.Finding{Flow: &result.Flow{End: ends}, Finding: &detectors.Finding{Start: at, End: rst.At, Evidence: []detectors.Evidence{{Seg: fin}, {Seg: rst}}}}
	dropped := func(at int64, seq uint32, flags reassembly.Flags) tracepoints.Event {
		return tracepoints.Event{At: at, Kind: tracepoints.Dropped, Src: a, Dst: b, Seq: seq, Flags: uint8(flags), Reason: "NETFILTER_DROP"}
	}
	sent := func(at int64, src, dst netip.AddrPort) tracepoints.Event {
		return tracepoints.Event{At: at, Kind: tracepoints.SentReset, Src: src, Dst: dst, Reason: "NO_SOCKET"}
	}
	tests := []struct {
		name   string
		events []tracepoints.Event
		count  int    // of the first; 0: there is none
		frame  uint32 // 0: none
	}{
		{"the FIN", []tracepoints.Event{dropped(at+1000, 101, fin.Flags)}, 1, 7},
		{"the FIN, and again", []tracepoints.Event{dropped(at+1000, 101, fin.Flags), dropped(at+int64(time.Second), 101, fin.Flags)}, 2, 7},
		{"at the limit", []tracepoints.Event{dropped(at+sameSegment, 101, fin.Flags)}, 1, 7},
		{"too late", []tracepoints.Event{dropped(at+sameSegment+1, 101, fin.Flags)}, 0, 0},
		{"another segment", []tracepoints.Event{dropped(at+1000, 1, fin.Flags)}, 0, 0},
		{"an ACK at the same number", []tracepoints.Event{dropped(at+1000, 101, reassembly.ACK)}, 0, 0},
		{"the RST", []tracepoints.Event{sent(rst.At-1000, b, a)}, 1, 9},
		{"a RST of the other side", []tracepoints.Event{sent(rst.At-1000, a, b)}, 0, 0},
		{"sent again meanwhile", []tracepoints.Event{{At: at + 5, Kind: tracepoints.Retransmitted, Src: a, Dst: b}}, 1, 0},
		{"sent again before", []tracepoints.Event{{At: at - sameSegment - 1, Kind: tracepoints.Retransmitted, Src: a, Dst: b}}, 0, 0},
	}
	for _, tt := range tests {
		got := kernelEventsOf(f, a, tt.events)
		switch {
		case tt.count == 0 && len(got) == 0:
		case len(got) != min(tt.count, 1) || got[0].Count != tt.count || (got[0].Seg == nil) != (tt.frame == 0) || tt.frame != 0 && got[0].Seg.Frame != tt.frame:
			t.Errorf("%s: %+v, want %d of frame %d", tt.name, got, tt.count, tt.frame)
		}
	}
}
