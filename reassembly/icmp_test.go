package reassembly

import (
	"net/netip"
	"slices"
	"testing"
)

func between(src, dst string) Segment {
	return Segment{Src: EndpointFrom(netip.MustParseAddrPort(src)), Dst: EndpointFrom(netip.MustParseAddrPort(dst))}
}

var (
	quote4 = between("10.0.0.1:40000", "10.0.0.2:443")
	quote6 = between("[2001:db8::1]:40000", "[2001:db8::2]:443")
)

// All errors, by what they mean: RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.
func TestICMP_kinds(t *testing.T) {
	type message struct{ kind, code uint8 }
	for _, c := range []struct {
		name    string
		quote   Segment
		means   func(*Segment) bool
		exactly []message
	}{
		{"too big", quote4, (*Segment).TooBig, []message{{3, 4}}},
		{"expired", quote4, (*Segment).Expired, []message{{11, 0}}},
		{"prohibited", quote4, (*Segment).Prohibited, []message{{3, 9}, {3, 10}, {3, 13}}},
		{"too big, IPv6", quote6, (*Segment).TooBig, []message{{2, 0}, {2, 1}}}, // whatever the code (RFC 4443 3.2)
		{"expired, IPv6", quote6, (*Segment).Expired, []message{{3, 0}}},
		{"prohibited, IPv6", quote6, (*Segment).Prohibited, []message{{1, 1}, {1, 5}, {1, 6}}},
	} {
		for kind := range uint8(13) {
			for code := range uint8(16) {
				s := c.quote
				s.ICMP = ICMP{Type: kind, Code: code}
				want := slices.Contains(c.exactly, message{kind, code}) || kind == 2 && c.quote == quote6 && c.name == "too big, IPv6"
				if c.means(&s) != want {
					t.Errorf("%s: type %d, code %d: %v", c.name, kind, code, !want)
				}
			}
		}
	}
}

func TestSegment_PacketLen(t *testing.T) {
	options := Options{Has: HasTimestamps, NBlocks: 2}
	for _, c := range []struct {
		name string
		seg  Segment
		opts Options
		icmp ICMP
		want uint32
	}{
		{"IPv4", quote4, Options{}, ICMP{}, 1040},
		{"IPv6", quote6, Options{}, ICMP{}, 1060},
		{"timestamps", quote4, Options{Has: HasTimestamps}, ICMP{}, 1052},
		{"timestamps and two SACK blocks", quote4, options, ICMP{}, 1072},
		{"a quote, whose blocks are something else", quote4, options, ICMP{Type: 3}, 1040},
	} {
		c.seg.Len, c.seg.Opts, c.seg.ICMP = 1000, c.opts, c.icmp
		if n := c.seg.PacketLen(); n != c.want {
			t.Errorf("%s: %d bytes, want %d", c.name, n, c.want)
		}
	}
}
