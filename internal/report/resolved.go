package report

import (
	"net/netip"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// named is " (web1)" behind an endpoint whose address has a name.
func (o *Options) named(e reassembly.Endpoint) string {
	if name := o.Hosts[e.AddrPort().Addr()]; name != "" {
		return " (" + Clean(name) + ")"
	}
	return ""
}

// endpoint is the side's address and port, and its name.
func (o *Options) endpoint(f *result.Flow, side reassembly.Side) string {
	return f.End[side].String() + o.named(f.End[side])
}

// whoseName is the name of what a finding is about, if that is an endpoint.
func (o *Options) whoseName(f *result.Finding) string {
	if f.Fault == detectors.FaultPath {
		return ""
	}
	return o.named(f.Flow.End[f.Subject])
}

// names are the names of the addresses of the listed connections, for JSON.
func (b object) names(r *result.Report, names map[netip.Addr]string) object {
	b = b.open("names", '{')
	done := map[netip.Addr]bool{}
	for i := range r.Flows {
		for _, e := range r.Flows[i].End {
			if addr := e.AddrPort().Addr(); names[addr] != "" && !done[addr] {
				done[addr] = true
				b = b.str(addr.String(), names[addr])
			}
		}
	}
	return b.close('}')
}
