package engine

import (
	"iter"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// tries says of SYNs that got no answer, or an ICMP error, that they are part of a port scan: the same client tried so many ports of the host, or
// the host refused it many others by RSTs. A client that is told which port to connect to, as in FTP, is told none of the system's, so only these
// show a scan.
func tries(findings iter.Seq[*detectors.Finding], s *stats.Scans) {
	type port struct {
		stats.Pair
		port uint16
	}
	times, system, all := map[port]int{}, map[stats.Pair]int{}, map[stats.Pair]int{}
	of := func(f *detectors.Finding) port {
		syn := &f.Evidence[0].Seg
		return port{stats.Pair{Client: syn.Src.Addr, Server: syn.Dst.Addr}, syn.Dst.Port}
	}
	for f := range findings {
		if !f.Tried || f.Verdict != detectors.Seen {
			continue
		}
		p := of(f)
		if times[p]++; times[p] > 1 {
			continue
		}
		all[p.Pair]++
		if p.port < stats.SystemPorts {
			system[p.Pair]++
		}
	}
	for f := range findings {
		if !f.Tried || f.Verdict != detectors.Seen {
			continue
		}
		if f.Severity == detectors.Info { // one of a sweep
			continue
		}
		p := of(f)
		if system[p.Pair] >= stats.MinScanned && times[p] < stats.MaxTimes {
			f.OfTries(f.Evidence[0].Seg.Src, all[p.Pair])
		} else if n, often := s.Scanning(p.Pair); times[p] < often {
			f.OfScan(f.Evidence[0].Seg.Src, n, often)
		}
	}
}
