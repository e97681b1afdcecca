package scenario

import (
	"bytes"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// gopacket, given a frame of ours and its payload of zeroes, computes the same
// lengths and checksums.
func TestAppendPacket_checksums(t *testing.T) {
	tr := parseOne(t, `
host v6 [2001:db8::1]:80
host v6too [fe80::2]:40001 {ttl 1}
0  client > server  S   0:0(0) win 64240 <mss 1460,sackOK,ts 1 0,wscale 7>
+1 server > client  FU. 1:1448(1447) ack 9 win 65535 <sack 1:5> {id 7,mac 2}
+1 client > server  P.  1:65001(65000) ack 9 win 0
+1 v6 > v6too       S   0:0(0) win 1 <mss 1440>
+1 v6too > v6       .   1:102(101) ack 1 win 1
`)
	for _, seg := range tr.Segments() {
		frame, headers := appendPacket(nil, &seg)
		if len(frame) != headers {
			t.Fatalf("frame %d holds %d bytes of %d", seg.Frame, len(frame), headers)
		}
		p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		var parts []gopacket.SerializableLayer
		for _, layer := range p.Layers() {
			if part, ok := layer.(gopacket.SerializableLayer); ok && layer.LayerType() != gopacket.LayerTypePayload {
				parts = append(parts, part)
			}
		}
		tcp := p.TransportLayer().(*layers.TCP)
		if err := tcp.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
			t.Fatal(err)
		}
		parts = append(parts, gopacket.Payload(make([]byte, seg.Len)))
		buf := gopacket.NewSerializeBuffer()
		options := gopacket.SerializeOptions{ComputeChecksums: true, FixLengths: true}
		if err := gopacket.SerializeLayers(buf, options, parts...); err != nil {
			t.Fatal(err)
		}
		if want := buf.Bytes()[:headers]; !bytes.Equal(frame, want) {
			t.Errorf("frame %d is\n% x, want\n% x", seg.Frame, frame, want)
		}
	}
}
