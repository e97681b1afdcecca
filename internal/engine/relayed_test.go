package engine

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// abort has a server accept a connection, answer a request, and abort. Besides the MSS, the client
// offers options, and the server takes some.
func (f *feeder) abort(server string, ttl uint8, mss uint16, offers, takes reassembly.OptionBits) {
	const ack = reassembly.ACK
	f.client++
	give := func(fromServer bool, seg reassembly.Segment) {
		seg.Dst.Addr = netip.MustParseAddr(server).As16()
		seg.Src.Addr = netip.MustParseAddr(cmp.Or(f.address, "192.168.0.2")).As16()
		seg.Window, seg.TTL = 1000, 128
		if fromServer {
			seg.TTL = ttl
			if f.nearer && seg.Len > 0 {
				seg.TTL = ttl + 12
			}
		}
		f.give(fromServer, seg)
	}
	opts := reassembly.Options{Has: reassembly.HasMSS | offers, MSS: mss}
	if !f.late {
		give(false, reassembly.Segment{Flags: reassembly.SYN, Opts: opts})
	}
	opts.Has = reassembly.HasMSS | takes
	give(true, reassembly.Segment{Ack: 1, Flags: reassembly.SYN | ack, Opts: opts})
	give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: ack})
	give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 10, Flags: ack | reassembly.PSH})
	give(true, reassembly.Segment{Seq: 1, Ack: 11, Len: 10, Flags: ack | reassembly.PSH})
	give(false, reassembly.Segment{Seq: 11, Ack: 11, Flags: ack})
	f.position += 500
	give(true, reassembly.Segment{Seq: 11, Ack: 11, Flags: reassembly.RST | ack})
}

// No server is accused of what one device does that answers for all; seen in captures behind
// VPNs and behind VMware's NAT.
func TestRelayed(t *testing.T) {
	public := []string{"8.8.8.8", "93.184.216.34", "142.250.1.1", "2a00:1450:4001:800::1", "104.16.1.1"}
	for _, c := range []struct {
		name    string
		servers []string
		ttl     uint8
		odd     bool // one has another MSS
		relayed bool
		apart   bool // connections are analysed apart: Doubt decides, later

		offers, takes reassembly.OptionBits // in the third connection; in all where a SYN was not captured
	}{
		{"a VPN", public, 63, false, true, false, 0, 0},
		{"a NAT on the link", public, 128, false, true, false, 0, 0},
		{"a part of a trace", public, 63, false, false, true, 0, 0},
		{"two routers away", public, 62, false, false, false, 0, 0},
		{"another machine", public, 63, true, false, false, 0, 0},
		{"a NAT on the link, three networks", append(public[:3:3], "8.8.4.4"), 64, false, true, false, 0, 0},
		{"two networks", append(public[:2:2], "8.8.4.4"), 64, false, true, false, 0, 0}, // each server for itself: nobody says that of all
		{"servers of three networks on the client's link, which is public", append(public[:3:3], "8.8.4.4"), 64, false, false, false, 0, 0},
		{"four networks", append(public[:4:4], "8.8.4.4"), 63, false, false, false, 0, 0},
		{"a LAN", []string{"10.0.0.1", "10.1.0.1", "10.2.0.1", "10.3.0.1", "fd00::1", "192.168.0.3"}, 64, false, false, false, 0, 0},
		{"a client that offers SACK once", public, 63, false, true, false, reassembly.HasSACKPermitted, reassembly.HasSACKPermitted},
		{"a first SYN that was not captured", append(public[:5:5], "151.101.1.1"), 63, false, true, false, reassembly.HasSACKPermitted, 0},
		{"one whose SYN-ACK comes from further away", append(public[:5:5], "151.101.1.1"), 63, false, false, false, 0, 0},
		{"a server that refuses it", public, 63, false, false, false, reassembly.HasSACKPermitted, 0},
	} {
		f := newFeeder()
		if strings.Contains(c.name, "public") {
			f.address = "93.184.216.99"
		}
		for i, server := range c.servers {
			uncaptured := strings.Contains(c.name, "not captured")
			f.late = i == 0 && uncaptured
			f.nearer = i == 3 && strings.Contains(c.name, "further")
			mss, offers, takes := uint16(1206), reassembly.OptionBits(0), reassembly.OptionBits(0)
			if i == 2 || uncaptured {
				offers, takes = c.offers, c.takes
			}
			if c.odd && i == 2 {
				mss = 1460
			}
			f.abort(server, c.ttl, mss, offers, takes)
		}
		end := int64(f.position) * 1e6
		f.options.apart = c.apart
		r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
		if len(r.Findings) != len(c.servers) {
			t.Fatalf("%s: %d findings", c.name, len(r.Findings))
		}
		for _, found := range r.Findings {
			said := strings.Contains(found.Message, "one device") || strings.Contains(found.Message, "on this link")
			if relayed := found.Fault == detectors.FaultUnknown && said; relayed != c.relayed {
				t.Errorf("%s: fault %v: %s", c.name, found.Fault, found.Message)
			}
		}
		if noted := slices.ContainsFunc(r.Notes, func(n result.Note) bool { return n.Name == "relayed" }); noted != (c.relayed && c.name != "two networks") && !c.apart {
			t.Errorf("%s: noted %t", c.name, noted)
		}
	}
}

// What came from further away is not that device's: a proxy that accepts for all lets pass the RST of a server that refuses.
func TestRelayed_further(t *testing.T) {
	var c stats.Counts
	end := func(host string) reassembly.Endpoint {
		return reassembly.Endpoint{Addr: netip.MustParseAddr(host).As16(), Port: 443}
	}
	for _, host := range []string{"8.8.8.8", "93.184.216.34", "142.250.1.1", "104.16.1.1"} {
		c.Answers.Count(end(host), stats.Answer{TTL: 64, MSS: 1460, Inside: true})
	}
	row := result.Flow{}
	row.End[reassembly.B] = end("151.101.1.1")
	for ttl, want := range map[uint8]detectors.Fault{64: detectors.FaultUnknown, 246: detectors.FaultHost} {
		f := detectors.Finding{Subject: reassembly.B, Fault: detectors.FaultHost}
		f.Evidence = []detectors.Evidence{{Seg: reassembly.Segment{Src: row.End[reassembly.B], TTL: ttl}}}
		if relayed(&f, &row, &c); f.Fault != want {
			t.Errorf("TTL %d: fault %v, want %v", ttl, f.Fault, want)
		}
	}
}
