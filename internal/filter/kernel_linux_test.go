package filter

import (
	"net"
	"testing"

	"golang.org/x/net/ipv4"
)

// TestCompile_kernelTakes attaches every program to a socket, as any user may.
func TestCompile_kernelTakes(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	socket := ipv4.NewPacketConn(c)
	for _, g := range readGolden(t) {
		if g.refusal != "" {
			continue
		}
		if err := socket.SetBPF(compile(t, g.expr, g.link).Raw()); err != nil {
			t.Errorf("link %d: %s: %v", g.link, g.expr, err)
		}
	}
}
