package packet_test

import (
	"net/netip"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	. "github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func endpoint(s string) reassembly.Endpoint {
	return reassembly.EndpointFrom(netip.MustParseAddrPort(s))
}

var segments = []reassembly.Segment{
	{Src: endpoint("10.1.2.3:4"), Dst: endpoint("10.9.8.7:6"), Seq: 1, Ack: 2, Flags: reassembly.ACK, Len: 7, TTL: 64, IPID: 9},
	{Src: endpoint("[2001:db8::1]:4"), Dst: endpoint("[::ffff:1.2.3.4]:6"), Flags: reassembly.SYN, TTL: 1,
		Opts: reassembly.Options{Has: reassembly.HasMSS | reassembly.HasTimestamps, MSS: 1460, TSVal: 5}},
	{Src: endpoint("10.1.2.3:4"), Dst: endpoint("10.9.8.7:6"), Flags: reassembly.ACK, Len: 300_000, Window: 3},
	{Src: endpoint("10.1.2.3:4"), Dst: endpoint("10.9.8.7:6"), Flags: reassembly.ACK,
		Opts: reassembly.Options{Has: reassembly.HasTimestamps, NBlocks: 3, Blocks: [4]reassembly.Block{{From: 1, To: 2}, {From: 3, To: 4}, {From: 5, To: 6}}}},
}

// A frame decodes to its segment, and has the checksum that was wanted.
func TestAppend_readBack(t *testing.T) {
	for _, want := range segments {
		for _, sum := range []Sum{Right, Offloaded, Wrong} {
			form := Form{Src: [6]byte{2, 1}, Dst: [6]byte{2, 2}, TCPHeader: 60, Sum: sum}
			frame, headers := Append(nil, &want, form)
			if headers != len(frame) || headers != 14+ipLen(&want)+60 {
				t.Errorf("%v: %d bytes of headers, %d captured", want, headers, len(frame))
			}
			var got reassembly.Segment
			if why := decode.New().Decode(1, frame, headers+int(want.Len), 0, &got); why != decode.OK {
				t.Fatalf("%v: %v", want, why)
			}
			got.Link = 0
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			segment := append(frame[14+ipLen(&want):], make([]byte, want.Len)...)
			if s := SumOf(segment, &want); s != sum {
				t.Errorf("%v: the checksum is %d, want %d", want, s, sum)
			}
		}
	}
}

func ipLen(seg *reassembly.Segment) int {
	if IsIPv6(seg) {
		return 40
	}
	return 20
}

func TestAppend_tags(t *testing.T) {
	tunnels := map[uint32]bool{}
	for _, tags := range [][]uint16{nil, {7}, {7, 8}, {8, 7}} {
		frame, headers := Append(nil, &segments[0], Form{Tags: tags})
		var got reassembly.Segment
		if why := decode.New().Decode(1, frame, headers, 0, &got); why != decode.OK || got.Seq != 1 {
			t.Fatalf("tags %v: %v", tags, why)
		}
		tunnels[got.Tunnel] = true
	}
	if len(tunnels) != 4 {
		t.Errorf("four stacks of tags look like %d", len(tunnels))
	}
}

// A wrong checksum is never by chance one that the network card was to complete.
func TestSum_wrongIsNotOffloaded(t *testing.T) {
	seg := segments[0]
	for port := range 65536 {
		seg.Src.Port = uint16(port)
		frame, _ := Append(nil, &seg, Form{Sum: Wrong})
		if s := SumOf(append(frame[34:], make([]byte, seg.Len)...), &seg); s != Wrong {
			t.Fatalf("port %d: the wrong checksum looks like %d", port, s)
		}
	}
}
