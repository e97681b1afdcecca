package tracegen

import (
	"net/netip"
	"testing"
)

func TestClientHost_neverComesTwice(t *testing.T) {
	seen := map[netip.AddrPort]int64{}
	for n := range int64(4 * clientHosts) {
		h := clientHost(n, n%8 == 0, 64)
		if before, ok := seen[h.addrPort()]; ok {
			t.Fatalf("connections %d and %d both come from %v", before, n, h.addrPort())
		}
		seen[h.addrPort()] = n
	}
}
