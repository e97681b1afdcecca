package decode

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A part is a fragment: bytes [from, to) of the segment below.
type part struct {
	from, to int
	last     bool
	want     Reason
}

func TestFragments(t *testing.T) {
	whole := tcp(timestamps, make([]byte, 168)) // 200 bytes
	for _, c := range []struct {
		name  string
		parts []part
	}{
		{"in order", []part{{0, 80, false, IPv4Fragment}, {80, 160, false, IPv4Fragment}, {160, 200, true, OK}}},
		{"last first", []part{{160, 200, true, IPv4Fragment}, {80, 160, false, IPv4Fragment}, {0, 80, false, OK}}},
		{"middle last", []part{{0, 80, false, IPv4Fragment}, {160, 200, true, IPv4Fragment}, {80, 160, false, OK}}},
		{"duplicates", []part{{0, 80, false, IPv4Fragment}, {0, 80, false, IPv4Fragment}, {80, 200, true, OK}, {80, 200, true, IPv4Fragment}}},
		{"tiny first fragment", []part{{0, 8, false, IPv4Fragment}, {16, 200, true, IPv4Fragment}, {8, 16, false, OK}}},
		{"overlap", []part{{0, 80, false, IPv4Fragment}, {40, 200, true, IPv4Fragment}, {80, 200, true, IPv4Fragment}}},
		{"one around another", []part{{80, 88, false, IPv4Fragment}, {0, 160, false, IPv4Fragment}, {160, 200, true, IPv4Fragment}}},
		{"overlap of a gap", []part{{0, 80, false, IPv4Fragment}, {88, 160, false, IPv4Fragment}, {80, 96, false, IPv4Fragment}, {160, 200, true, IPv4Fragment}}},
		{"two ends", []part{{80, 200, true, IPv4Fragment}, {80, 160, true, IPv4Fragment}, {0, 80, false, IPv4Fragment}}},
		{"beyond the end", []part{{0, 80, false, IPv4Fragment}, {88, 160, false, IPv4Fragment}, {80, 88, true, IPv4Fragment}}},
		{"odd length", []part{{0, 81, false, MalformedIP}}},
		{"too many pieces", []part{
			{0, 8, false, IPv4Fragment}, {16, 24, false, IPv4Fragment}, {32, 40, false, IPv4Fragment},
			{48, 56, false, IPv4Fragment}, {64, 72, false, IPv4Fragment}, {80, 88, false, IPv4Fragment},
			{96, 104, false, IPv4Fragment}, {112, 120, false, IPv4Fragment}, {128, 136, false, IPv4Fragment},
			{8, 16, false, IPv4Fragment},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, ip := range []struct {
				name    string
				missing Reason
				want    reassembly.Segment
				packet  func(part) []byte
			}{
				{"ipv4", IPv4Fragment, segment4(), func(p part) []byte {
					word := uint16(p.from / 8)
					if !p.last {
						word |= 0x2000
					}
					return ipv4With(nil, word, protoTCP, whole[p.from:p.to])
				}},
				{"ipv6", IPv6Fragment, segment6(), func(p part) []byte {
					word := uint16(p.from)
					if !p.last {
						word |= 1
					}
					return ipv6(protoFragment, fragmentHeader(protoTCP, word, 5, whole[p.from:p.to]))
				}},
			} {
				d := New()
				ip.want.Len = 168
				for i, p := range c.parts {
					got := stale()
					want := p.want
					if want == IPv4Fragment {
						want = ip.missing
					}
					frame := ip.packet(p)
					r := d.Decode(linkRaw, frame, len(frame), int64(i), &got)
					if r != want {
						t.Fatalf("%s: fragment %d: %v, want %v", ip.name, i, r, want)
					}
					if r == OK && got != ip.want {
						t.Errorf("%s: got  %+v\nwant %+v", ip.name, got, ip.want)
					}
				}
			}
		})
	}
}

// fragment4 is bytes [from, to) of a segment of 200 bytes.
func fragment4(id, from, to uint16) []byte {
	word := from / 8
	if to < 200 {
		word |= 0x2000
	}
	b := ipv4With(nil, word, protoTCP, tcp(timestamps, make([]byte, 168))[from:to])
	return edit(edit(b, 4, byte(id>>8)), 5, byte(id))
}

func decodeAt(d *Decoder, frame []byte, at int64) Reason {
	var seg reassembly.Segment
	return d.Decode(linkRaw, frame, len(frame), at, &seg)
}

func TestFragments_timeOut(t *testing.T) {
	d := New()
	decodeAt(d, fragment4(1, 0, 80), 0)
	decodeAt(d, fragment4(2, 0, 80), 1)
	if r := decodeAt(d, fragment4(1, 80, 200), fragmentTimeout); r != IPv4Fragment {
		t.Errorf("after the timeout: %v", r)
	}
	if r := decodeAt(d, fragment4(2, 80, 200), fragmentTimeout); r != OK {
		t.Errorf("just within it: %v", r)
	}
}

func TestFragments_bounded(t *testing.T) {
	d := New()
	for id := range uint16(maxDatagrams + 1) {
		decodeAt(d, fragment4(id, 0, 80), int64(id))
	}
	if r := decodeAt(d, fragment4(1, 80, 200), 1000); r != OK {
		t.Errorf("the second oldest: %v", r)
	}
	if r := decodeAt(d, fragment4(0, 80, 200), 1000); r != IPv4Fragment {
		t.Errorf("the oldest: %v", r)
	}
}

func TestFragments_apart(t *testing.T) {
	d := New()
	for i, frame := range [][]byte{
		fragment4(1, 0, 80),
		fragment4(2, 80, 200),                         // another identification
		edit(fragment4(1, 80, 200), 12, 99),           // another sender
		ipv4(protoIPv4, fragment4(1, 80, 200)),        // another network
		edit(fragment4(1, 80, 200), 9, protoUDP),      // another protocol
		edit(fragment4(1, 80, 200), 9, protoIPv4),     // the rest of a tunnel packet
		edit(fragment4(1, 80, 200), 9, protoDestOpts), // the rest of a header chain
	} {
		if r := decodeAt(d, frame, 0); r == OK {
			t.Errorf("fragment %d completed the first", i)
		}
	}
	if r := decodeAt(d, fragment4(1, 80, 200), 0); r != OK {
		t.Error(r)
	}
}

// A tunnel packet in fragments: the first has the inner headers, and the inner
// length.
func TestFragments_ofTunnel(t *testing.T) {
	inner := ipv4(protoTCP, tcp(timestamps, make([]byte, 1400)))
	first := ipv4With(nil, 0x2000, protoIPv4, inner[:1200])
	rest := ipv4With(nil, 1200/8, protoIPv4, inner[1200:])
	var seg reassembly.Segment
	d := New()
	if r := d.Decode(linkRaw, first, len(first), 0, &seg); r != OK || seg.Len != 1400 {
		t.Errorf("first fragment: %v, %d bytes", r, seg.Len)
	}
	if r := decodeAt(d, rest, 0); r != NotTCP {
		t.Errorf("second fragment: %v", r)
	}
}

// A snap length cuts the first fragment, too.
func TestFragments_cut(t *testing.T) {
	for _, c := range []struct {
		held int // bytes of the TCP header
		want Reason
		has  reassembly.OptionBits
	}{
		{32, OK, reassembly.HasTimestamps},
		{31, OK, reassembly.OptionsCut},
		{16, OK, reassembly.OptionsCut},
		{15, Truncated, 0},
		{0, Truncated, 0},
	} {
		d := New()
		first := fragment4(1, 0, 80)
		var seg reassembly.Segment
		d.Decode(linkRaw, first[:20+c.held], len(first), 0, &seg)
		rest := fragment4(1, 80, 200)
		if r := d.Decode(linkRaw, rest[:20], len(rest), 0, &seg); r != c.want || r == OK && (seg.Opts.Has != c.has || seg.Len != 168) {
			t.Errorf("%d bytes of header: %v, %+v", c.held, r, seg)
		}
	}
}

func TestFragments_allocateOnce(t *testing.T) {
	d := New()
	frames := [][]byte{fragment4(1, 0, 80), fragment4(1, 80, 200), fragment4(2, 0, 80)}
	decodeAt(d, frames[0], 0)
	var seg reassembly.Segment
	if n := testing.AllocsPerRun(10, func() {
		for _, f := range frames {
			d.Decode(linkRaw, f, len(f), 0, &seg)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
