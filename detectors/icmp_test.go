package detectors

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// told is an error of a router about the segments from 10.0.0.1 to 10.0.0.2.
func told(by string, kind, code uint8, frame uint32) reassembly.Segment {
	s := reassembly.Segment{
		Src: reassembly.EndpointFrom(netip.MustParseAddrPort("10.0.0.1:40000")), Dst: reassembly.EndpointFrom(netip.MustParseAddrPort("10.0.0.2:443")),
		Frame: frame, ICMP: reassembly.ICMP{Type: kind, Code: code},
	}
	s.SetReporter(reassembly.EndpointFrom(netip.AddrPortFrom(netip.MustParseAddr(by), 0)).Addr)
	return s
}

// An error counts with those before it only where the same router says the same.
func TestICMPErrors_Add(t *testing.T) {
	for _, c := range []struct {
		name   string
		second reassembly.Segment
		n      int
	}{
		{"the same again", told("10.0.9.9", 3, 1, 2), 2},
		{"another code", told("10.0.9.9", 3, 13, 2), 1},
		{"another router", told("10.0.9.8", 3, 1, 2), 1},
	} {
		var e ICMPErrors
		first := told("10.0.9.9", 3, 1, 1)
		e.Add(&first)
		e.Add(&c.second)
		if e.N != c.n || e.Last.Frame != 2 || e.First.Frame != uint32(3-c.n) || len(e.Evidence()) != c.n {
			t.Errorf("%s: %d errors, frames %d to %d", c.name, e.N, e.First.Frame, e.Last.Frame)
		}
	}
}

func TestICMPErrors_Meaning(t *testing.T) {
	for _, c := range []struct {
		by         string
		kind, code uint8
		want       string
	}{
		{"10.0.9.9", 3, 13, "A firewall or router between"},
		{"10.0.0.2", 3, 13, "A rule on server itself"},
		{"10.0.9.9", 11, 0, "in a circle"},
		{"10.0.0.2", 11, 0, "in a circle"},
		{"10.0.0.2", 3, 3, "server is up, and refuses"},
		{"10.0.9.9", 3, 4, "carries only smaller packets"},
		{"10.0.9.9", 3, 1, "ends there"},
	} {
		var e ICMPErrors
		quote := told(c.by, c.kind, c.code, 1)
		e.Add(&quote)
		if m := e.Meaning("client", "server"); !strings.Contains(m, c.want) {
			t.Errorf("type %d, code %d of %s: %q, want %q", c.kind, c.code, c.by, m, c.want)
		}
	}
}
