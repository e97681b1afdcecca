package report

import (
	"net/netip"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// At another capture point the address of the client or of the server may be translated.
func TestSender_translated(t *testing.T) {
	at := func(s string) reassembly.Endpoint {
		a := netip.MustParseAddrPort(s)
		return reassembly.Endpoint{Addr: a.Addr().As16(), Port: a.Port()}
	}
	client, server, outside, inside := at("10.0.0.1:40000"), at("10.0.0.2:443"), at("192.0.2.1:40000"), at("192.0.2.2:443")
	f := new(result.Flow)
	f.End[reassembly.A], f.End[reassembly.B] = client, server
	for _, x := range []struct {
		src, dst reassembly.Endpoint
		want     reassembly.Side
	}{
		{client, server, reassembly.A},
		{server, client, reassembly.B},
		{outside, server, reassembly.A},
		{server, outside, reassembly.B},
		{client, inside, reassembly.A},
		{inside, client, reassembly.B},
	} {
		if got := sender(f, &reassembly.Segment{Src: x.src, Dst: x.dst}); got != x.want {
			t.Errorf("%v > %v is of side %d, want %d", x.src, x.dst, got, x.want)
		}
	}
}
