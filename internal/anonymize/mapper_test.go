package anonymize

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func endpoint(s string) reassembly.Endpoint {
	return reassembly.EndpointFrom(netip.MustParseAddrPort(s))
}

const all = reassembly.HasMSS | reassembly.HasTimestamps

// exchange is the beginning of a connection, with numbers that wrap.
func exchange(a, b reassembly.Endpoint) []reassembly.Segment {
	return []reassembly.Segment{
		{Src: a, Dst: b, Seq: 0xffffffff, Ack: 0xdead, Flags: reassembly.SYN, Opts: reassembly.Options{Has: all, MSS: 1460, TSVal: 7}},
		{Src: b, Dst: a, Seq: 100, Ack: 0, Flags: reassembly.SYN | reassembly.ACK, Opts: reassembly.Options{Has: all, TSVal: 900, TSEcr: 7}},
		{Src: a, Dst: b, Seq: 0, Ack: 101, Flags: reassembly.ACK, Opts: reassembly.Options{Has: reassembly.HasTimestamps, TSVal: 9, TSEcr: 900}},
		{Src: b, Dst: a, Seq: 101, Ack: 0, Flags: reassembly.ACK,
			Opts: reassembly.Options{NBlocks: 1, Blocks: [4]reassembly.Block{{From: 10, To: 20}}}},
	}
}

func TestSegment_differencesStay(t *testing.T) {
	a, b := endpoint("10.0.0.1:1"), endpoint("10.0.0.2:2")
	was := exchange(a, b)
	is := exchange(a, b)
	m := New(sampleKey)
	for i := range is {
		m.Segment(&is[i])
	}
	if is[0].Src != m.Endpoint(a) || is[0].Dst != m.Endpoint(b) || is[0].Src == a || is[0].Src.Port != 1 {
		t.Errorf("the endpoints are %v and %v", is[0].Src, is[0].Dst)
	}
	if is[0].Ack != 0 {
		t.Error("an acknowledgment number without ACK is kept")
	}
	shift := is[0].Seq - was[0].Seq
	if shift == 0 || is[1].Seq-was[1].Seq != shift {
		t.Errorf("sequence numbers are shifted by %d and %d", shift, is[1].Seq-was[1].Seq)
	}
	clock := is[0].Opts.TSVal - 7
	if clock == 0 || is[1].Opts.TSVal-900 != clock {
		t.Errorf("timestamps are shifted by %d and %d", clock, is[1].Opts.TSVal-900)
	}
	if is[0].Opts.TSEcr != 0 || is[1].Opts.TSEcr != 7+clock || is[2].Opts.TSEcr != 900+clock {
		t.Error("echoed timestamps are not those that were sent")
	}
	if is[1].Ack != shift || is[2].Seq != shift || is[2].Ack != 101+shift || is[3].Ack != shift {
		t.Error("acknowledgments are not of what was sent")
	}
	if block := is[3].Opts.Blocks[0]; block != (reassembly.Block{From: 10 + shift, To: 20 + shift}) {
		t.Errorf("the SACK block is %v", block)
	}
	other := exchange(endpoint("10.0.0.1:3"), b)
	New(Key{1}).Segment(&other[0])
	if other[0].Seq-was[0].Seq == shift || other[0].Opts.TSVal-7 == clock {
		t.Error("another key has the same numbers")
	}
}

// A host without the connection answers a SYN with sequence number zero.
func TestSegment_refusal(t *testing.T) {
	m := New(sampleKey)
	rst := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Ack: 5, Flags: reassembly.RST | reassembly.ACK}
	m.Segment(&rst)
	if rst.Seq != 0 || rst.Ack == 5 {
		t.Errorf("seq %d, ack %d", rst.Seq, rst.Ack)
	}
}

// What was dropped from the cache is computed again.
func TestMapper_bounded(t *testing.T) {
	m := New(sampleKey)
	segment := func(i int) reassembly.Segment {
		seg := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Seq: 7}
		seg.Src.Addr[15], seg.Src.Addr[14], seg.Src.Addr[13] = byte(i), byte(i>>8), byte(i>>16)
		m.Segment(&seg)
		return seg
	}
	first := segment(0)
	for i := range maxKept {
		segment(i + 1)
	}
	if len(m.hosts) > maxKept {
		t.Errorf("%d hosts are cached", len(m.hosts))
	}
	if again := segment(0); again != first {
		t.Errorf("%v becomes %v", first, again)
	}
}

// A rebuilt frame has the rewritten segment, and nothing else.
func TestAppendFrame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	secret := [6]byte{0x00, 0x1b, 0x21, 0xaa, 0xbb, 0xcc}
	pairs := [][2]string{{"10.0.0.1:1", "10.0.0.2:2"}, {"[2001:db8::dead:beef]:1", "[2001:db8::cafe:f00d]:2"}}
	for _, pair := range pairs {
		for _, seg := range exchange(endpoint(pair[0]), endpoint(pair[1])) {
			for _, sum := range []packet.Sum{packet.Right, packet.Offloaded, packet.Wrong} {
				for _, tags := range [][]uint16{nil, {5}, {5, 6}} {
					seg.Len, seg.IPID, seg.TTL = 0, 77, 9
					data, _ := packet.Append(nil, &seg, packet.Form{Src: secret, Tags: tags, Sum: sum, TCPHeader: 48})
					seg.Len = 33
					payload := make([]byte, seg.Len)
					for i := range payload {
						payload[i] = byte(rng.Uint32())
					}
					setLength(data, tags, 33)
					data = append(data, payload...)
					check(t, data, sum, payload)
				}
			}
		}
	}
}

// setLength makes the IP header of a frame say n bytes more.
func setLength(data []byte, tags []uint16, n byte) {
	ip := data[14+4*len(tags):]
	if ip[0]>>4 == 6 {
		ip[5] += n
	} else {
		ip[3] += n
	}
}

func check(t *testing.T, data []byte, sum packet.Sum, payload []byte) {
	t.Helper()
	m := New(sampleKey)
	f := Frame{Link: 1, Data: data}
	if why := decode.New().Decode(1, data, len(data), 0, &f.Seg); why != decode.OK {
		t.Fatal(why)
	}
	f.TCP = len(data) - len(payload) - 48
	whole := f.Data[f.TCP:]
	repair(whole, sum, &f.Seg)

	got, wire := m.AppendFrame(nil, &f, true)
	if wire != len(data) || len(got) != len(data) {
		t.Errorf("%d of %d bytes are %d of %d", len(data), len(data), len(got), wire)
	}
	want, seg := f.Seg, reassembly.Segment{}
	m.Segment(&want)
	if why := decode.New().Decode(1, got, wire, 0, &seg); why != decode.OK {
		t.Fatal(why)
	}
	if (seg.Tunnel == 0) != (want.Tunnel == 0) {
		t.Errorf("tunnel %d instead of %d", seg.Tunnel, want.Tunnel)
	}
	seg.Link, seg.Tunnel = want.Link, want.Tunnel // the decoder's hashes are of other headers
	if seg != want {
		t.Errorf("got  %+v\nwant %+v", seg, want)
	}
	if s := packet.SumOf(got[len(got)-len(whole):], &seg); s != sum {
		t.Errorf("the checksum was %d and is %d", sum, s)
	}
	if got[0]&3 != 0 || got[6]&3 != 2 { // the zero address stays; the sender's is local
		t.Errorf("the link-layer addresses are % x", got[:12])
	}
	for _, leak := range [][]byte{data[6:12], payload[:8], f.Seg.Src.Addr[12:], f.Seg.Dst.Addr[12:]} {
		if bytes.Contains(got, leak) {
			t.Errorf("% x is still there:\n% x", leak, got)
		}
	}
	if got, wire := m.AppendFrame(nil, &f, false); len(got) != wire-len(payload) {
		t.Errorf("without payload there are %d bytes of %d", len(got), wire)
	}
}

// repair gives a segment, to which payload was added, the checksum it is to
// have.
func repair(segment []byte, sum packet.Sum, seg *reassembly.Segment) {
	for field := range 1 << 16 {
		segment[16], segment[17] = byte(field>>8), byte(field)
		if packet.SumOf(segment, seg) == sum {
			return
		}
	}
}

// Tunnels stay apart, and VLANs are not known by their numbers.
func TestTags(t *testing.T) {
	m := New(sampleKey)
	seg := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2")}
	plain, _ := packet.Append(nil, &seg, packet.Form{Tags: []uint16{5, 6}})
	vlan := Frame{Link: 1, Data: plain, TCP: len(plain) - 20, Seg: seg}
	vlan.Seg.Tunnel = 99
	if tags := m.tags(&vlan); len(tags) != 2 || tags[0] == 5 || tags[1] == 6 || tags[0] == tags[1] {
		t.Errorf("VLANs 5 and 6 are %v", tags)
	}
	deeper := vlan
	deeper.TCP += 28 // something between the first IP header and TCP
	other := deeper
	other.Seg.Tunnel = 98
	a, b := m.tags(&deeper), m.tags(&other)
	if len(a) != 1 || len(b) != 1 || a[0] == b[0] || a[0] == 0 || a[0] > 4094 {
		t.Errorf("two tunnels are %v and %v", a, b)
	}
	for n := range plain {
		vlan.Data = plain[:n]
		m.tags(&vlan) // does not look beyond the end
	}
}

// VLAN identifiers are shuffled by the key; two never become one.
func TestVLAN_shuffled(t *testing.T) {
	m, other := New(sampleKey), New(Key{1})
	seen, same := map[uint16]bool{}, 0
	for id := range uint16(1 << 12) {
		to := m.vlanID(id)
		if seen[to] || to > 4095 || (id == 0 || id == 4095) && to != id || (id > 0 && id < 4095) && (to == 0 || to == 4095) {
			t.Fatalf("VLAN %d becomes %d", id, to)
		}
		if seen[to] = true; to == other.vlanID(id) || to == id {
			same++
		}
	}
	if same > 20 {
		t.Errorf("%d VLANs depend little on the key", same)
	}
}

// What the decoder hashes can be found by trying all VLANs, or all MAC addresses of a
// vendor, so no such hash may pass unchanged, and the key decides what becomes of it.
func TestSegment_hashesAreKeyed(t *testing.T) {
	seg := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Tunnel: 99, Link: 99, IPID: 500}
	a, b, again := seg, seg, seg
	New(sampleKey).Segment(&a)
	New(Key{1}).Segment(&b)
	New(sampleKey).Segment(&again)
	if a != again {
		t.Error("one key gives different replacements")
	}
	if a.Tunnel == 99 || a.Link == 99 || a.IPID == 500 || a.Tunnel == a.Link || a.Tunnel == b.Tunnel || a.Link == b.Link || a.IPID == b.IPID {
		t.Errorf("tunnel %d, link %d, ID %d; with another key tunnel %d, link %d, ID %d", a.Tunnel, a.Link, a.IPID, b.Tunnel, b.Link, b.IPID)
	}
	none := reassembly.Segment{Src: seg.Src, Dst: seg.Dst}
	if New(sampleKey).Segment(&none); none.Tunnel != 0 || none.Link != 0 || none.IPID != 0 {
		t.Errorf("nothing becomes tunnel %d, link %d, ID %d", none.Tunnel, none.Link, none.IPID)
	}
}

// Of the hashes of two link-layer addresses, the sender's tells the device: it is still known, and the same in each of its segments.
func TestSegment_deviceStays(t *testing.T) {
	m := New(sampleKey)
	for from := uint32(2 << 8); from < 1<<16; from++ {
		seg := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Link: from<<16 | 7}
		other := reassembly.Segment{Src: seg.Src, Dst: seg.Dst, Link: from<<16 | 8}
		m.Segment(&seg)
		m.Segment(&other)
		if fsm.DeviceOf(&seg).Hash() == 0 || seg.Link>>16 != other.Link>>16 {
			t.Fatalf("device %#x becomes link %#x and %#x", from, seg.Link, other.Link)
		}
	}
	only := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Link: 7}
	if m.Segment(&only); only.Link == 0 || only.Link>>16 != 0 {
		t.Errorf("a link without a known sender becomes %#x", only.Link)
	}
	again := reassembly.Segment{Src: endpoint("10.0.0.1:1"), Dst: endpoint("10.0.0.2:2"), Link: 7}
	again.SetRetry()
	if m.Segment(&again); !again.IsRetry() || again.LinkAddresses() != only.Link {
		t.Errorf("the retry of a frame with link %#x becomes %#x", only.Link, again.Link)
	}
}

// IPv4 identifications keep their gaps, and 0 stays the only one that means nothing.
func TestShiftID(t *testing.T) {
	for _, by := range []uint16{0, 1, 40000, 65535} {
		seen := map[uint16]bool{}
		for id := range uint32(1 << 16) {
			to := shiftID(uint16(id), by)
			if seen[to] || (id == 0) != (to == 0) {
				t.Fatalf("shifted by %d, %d becomes %d", by, id, to)
			}
			seen[to] = true
			if next := shiftID(uint16(id)+1, by); id > 0 && id < 65535 && next != to+1 && next != 1 {
				t.Fatalf("shifted by %d, %d and the next become %d and %d", by, id, to, next)
			}
		}
	}
}

func TestMAC(t *testing.T) {
	m := New(sampleKey)
	for _, c := range []struct {
		from [6]byte
		same bool
		bits byte
	}{
		{[6]byte{}, true, 0},
		{[6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, true, 3},
		{[6]byte{0x00, 1, 2, 3, 4, 5}, false, 2},
		{[6]byte{0x01, 0, 0x5e, 3, 4, 5}, false, 3},
	} {
		if got := m.mac(c.from); (got == c.from) != c.same || got[0]&3 != c.bits || got != m.mac(c.from) {
			t.Errorf("% x becomes % x", c.from, got)
		}
	}
}
