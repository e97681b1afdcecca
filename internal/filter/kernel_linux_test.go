package filter

import (
	"fmt"
	"net"
	"testing"

	"golang.org/x/net/ipv4"
)

// TestCompile_kernelTakes attaches every program to a socket, as any user may:
// those of the golden file, and of lists of hosts and ports, which must not
// come near the kernel's limit.
func TestCompile_kernelTakes(t *testing.T) {
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip(err)
	}
	defer c.Close()
	socket := ipv4.NewPacketConn(c)
	gs := readGolden(t)
	hosts, ports := "host 10.0.0.0", "tcp port 0"
	for i := range 200 {
		hosts += fmt.Sprintf(" or 10.0.1.%d", i)
		ports += fmt.Sprintf(" or %d", 8000+i)
	}
	gs = append(gs, golden{link: linkEthernet, expr: hosts}, golden{link: linkEthernet, expr: ports})
	for _, g := range gs {
		if g.refusal != "" {
			continue
		}
		p := compile(t, g.expr, g.link)
		if err := socket.SetBPF(p.Raw()); err != nil {
			t.Errorf("link %d: %.80s: %v", g.link, g.expr, err)
		}
		if n := len(p.code); n > maxInstructions/4 {
			t.Errorf("link %d: %.80s: %d instructions", g.link, g.expr, n)
		}
	}
}
