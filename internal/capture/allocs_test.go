package capture

import (
	"bytes"
	"testing"
)

// The hot path promises no allocation per frame, drop counts and clock
// included.
func TestNextDoesNotAllocate(t *testing.T) {
	ng := newPcapngWriter(bigEndian)
	ng.section()
	ng.iface(LinkEthernet)
	for i := range 3000 {
		ng.packet(0, uint64(i), make([]byte, 200), 1500, ng.u64opt(optDropCount, 1))
	}
	for name, content := range map[string][]byte{"pcap": manyPcap(3000), "pcapng": ng.Bytes()} {
		f, err := open("-", &Options{Stdin: bytes.NewReader(content)}, blockSize)
		if err != nil {
			t.Fatal(err)
		}
		var fr Frame
		n := testing.AllocsPerRun(2000, func() {
			if err := f.Next(&fr); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a frame", name, n)
		}
	}
}
