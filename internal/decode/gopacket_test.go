package decode

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// destinationOptions skips only one kind of extension header. Others matter: a
// routing header changes the receiver, and fragments are put together.
type destinationOptions struct{ layers.IPv6ExtensionSkipper }

func (*destinationOptions) CanDecode() gopacket.LayerClass { return layers.LayerTypeIPv6Destination }

// strictIPv4 refuses what gopacket accepts: a version that is not 4, and a length
// of 0, for which gopacket uses the frame's length modulo 65536.
type strictIPv4 struct{ layers.IPv4 }

func (ip *strictIPv4) DecodeFromBytes(data []byte, df gopacket.DecodeFeedback) error {
	if len(data) >= 4 && (data[0]>>4 != 4 || binary.BigEndian.Uint16(data[2:]) == 0) {
		return errors.New("the decoder reads this differently")
	}
	return ip.IPv4.DecodeFromBytes(data, df)
}

// strictIPv6 is the same for IPv6.
type strictIPv6 struct{ layers.IPv6 }

func (ip *strictIPv6) DecodeFromBytes(data []byte, df gopacket.DecodeFeedback) error {
	if len(data) >= 6 && (data[0]>>4 != 6 || binary.BigEndian.Uint16(data[4:]) == 0) {
		return errors.New("the decoder reads this differently")
	}
	return ip.IPv6.DecodeFromBytes(data, df)
}

// gopacket takes protocol 94, which nobody uses any more, for IP in IP. tcpdump and
// Wireshark do not, and neither does Decode.
func init() {
	layers.IPProtocolMetadata[layers.IPProtocolIPIP].LayerType = gopacket.LayerTypePayload
}

// byGopacket decodes an Ethernet frame through VLAN, IPv4, IPv6 with hop-by-hop
// and destination options, IP in IP, and TCP with gopacket. It reports false if
// gopacket 1.1.19 sees no TCP, or is known to decode differently:
//
//   - it does not count hop-by-hop options as part of the IPv6 payload, so that
//     TCP may begin after the end of that;
//   - it returns an error for a TCP option that is too long or has no length, and
//     for a header that was cut.
func byGopacket(frame []byte) (seg reassembly.Segment, tagged, ok bool) {
	var (
		eth  layers.Ethernet
		tag  layers.Dot1Q
		ip4  strictIPv4
		ip6  strictIPv6
		dest destinationOptions
		tcp  layers.TCP
	)
	parser := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &tag, &ip4, &ip6, &dest, &tcp)
	parser.IgnoreUnsupported = true
	var seen []gopacket.LayerType
	if err := parser.DecodeLayers(frame, &seen); err != nil || !slices.Contains(seen, layers.LayerTypeTCP) {
		return seg, false, false
	}
	nested := 0
	var ip gopacket.LayerType // the innermost
	for _, l := range seen {
		switch l {
		case layers.LayerTypeDot1Q:
			nested++
		case layers.LayerTypeIPv4, layers.LayerTypeIPv6:
			nested++
			ip = l
		}
	}
	if nested > maxDepth {
		return seg, false, false
	}
	// Slices of one array: their capacities show where they begin.
	header := cap(frame) - cap(tcp.Contents)
	length := 0
	var src, dst netip.Addr
	if ip == layers.LayerTypeIPv4 {
		length = int(ip4.Length) - len(ip4.Contents)
		src, _ = netip.AddrFromSlice(ip4.SrcIP)
		dst, _ = netip.AddrFromSlice(ip4.DstIP)
		seg.TTL, seg.IPID = ip4.TTL, ip4.Id
	} else {
		extensions := header - (cap(frame) - cap(ip6.Contents)) - len(ip6.Contents)
		length = int(ip6.Length) - extensions
		src, _ = netip.AddrFromSlice(ip6.SrcIP)
		dst, _ = netip.AddrFromSlice(ip6.DstIP)
		seg.TTL = ip6.HopLimit
	}
	if length < len(tcp.Contents) {
		return seg, false, false
	}
	seg.Src = reassembly.EndpointFrom(netip.AddrPortFrom(src, uint16(tcp.SrcPort)))
	seg.Dst = reassembly.EndpointFrom(netip.AddrPortFrom(dst, uint16(tcp.DstPort)))
	seg.Seq, seg.Ack, seg.Window = reassembly.Seq(tcp.Seq), reassembly.Seq(tcp.Ack), tcp.Window
	seg.Len = uint32(length - len(tcp.Contents))
	for bit, set := range []bool{tcp.FIN, tcp.SYN, tcp.RST, tcp.PSH, tcp.ACK, tcp.URG, tcp.ECE, tcp.CWR} {
		if set {
			seg.Flags |= 1 << bit
		}
	}
	seg.Opts = optionsByGopacket(tcp.Options)
	return seg, nested > 1, true
}

func optionsByGopacket(options []layers.TCPOption) (o reassembly.Options) {
	// The lengths that these kinds have; SACK's is 8 for each block.
	lengths := map[layers.TCPOptionKind][]int{
		layers.TCPOptionKindMSS:           {2},
		layers.TCPOptionKindWindowScale:   {1},
		layers.TCPOptionKindSACKPermitted: {0},
		layers.TCPOptionKindSACK:          {8, 16, 24, 32},
		layers.TCPOptionKindTimestamps:    {8},
	}
	for _, opt := range options {
		v := opt.OptionData
		if want, ok := lengths[opt.OptionType]; ok && !slices.Contains(want, len(v)) {
			o.Has |= reassembly.OptionsMalformed
			return o
		}
		switch opt.OptionType {
		case layers.TCPOptionKindMSS:
			o.Has, o.MSS = o.Has|reassembly.HasMSS, binary.BigEndian.Uint16(v)
		case layers.TCPOptionKindWindowScale:
			o.Has, o.Scale = o.Has|reassembly.HasScale, v[0]
		case layers.TCPOptionKindSACKPermitted:
			o.Has |= reassembly.HasSACKPermitted
		case layers.TCPOptionKindSACK:
			o.NBlocks = uint8(len(v) / 8)
			for i := range o.NBlocks {
				o.Blocks[i].From = reassembly.Seq(binary.BigEndian.Uint32(v[8*i:]))
				o.Blocks[i].To = reassembly.Seq(binary.BigEndian.Uint32(v[8*i+4:]))
			}
		case layers.TCPOptionKindTimestamps:
			o.Has |= reassembly.HasTimestamps
			o.TSVal, o.TSEcr = binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:])
		case 30: // Multipath TCP
			o.Has |= reassembly.HasMPTCP
		}
	}
	return o
}

// compare holds Decode to what gopacket decodes, and reports whether it could.
func compare(t *testing.T, frame []byte) bool {
	t.Helper()
	want, tagged, ok := byGopacket(frame)
	if !ok {
		return false
	}
	got := stale()
	d := New()
	r := d.Decode(linkEthernet, frame, len(frame), 0, &got)
	if d.Overlong > 0 && len(frame) >= ethernetMTU {
		return false // gopacket believes a packet that says to be longer than a full frame
	}
	if r != OK {
		t.Fatalf("Decode: %v, gopacket: %+v\n%x", r, want, frame)
	}
	if (got.Tunnel != 0) != tagged {
		t.Errorf("Tunnel = %#x, tagged %v", got.Tunnel, tagged)
	}
	want.Tunnel, want.Link = got.Tunnel, got.Link
	if got != want {
		t.Fatalf("got  %+v\nwant %+v\n%x", got, want, frame)
	}
	return true
}

// ethernetSamples are the frames that gopacket may be compared on.
func ethernetSamples() (frames [][]byte) {
	for _, s := range samples() {
		if s.link == linkEthernet {
			frames = append(frames, s.frame)
		}
	}
	for _, opts := range [][]byte{
		{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7},
		cat([]byte{1, 1, 5, 34}, make([]byte, 32)),
		cat(timestamps, []byte{1, 1, 5, 18}, make([]byte, 16)),
		{254, 6, 1, 2, 3, 4, 0, 0},
	} {
		frames = append(frames,
			ethernet(typeIPv4, ipv4(protoTCP, tcp(opts, data))),
			ethernet(typeIPv6, ipv6(protoHopByHop, extension(protoDestOpts, []byte{5, 2, 0, 0},
				extension(protoTCP, []byte{1, 4, 0, 0, 0, 0}, tcp(opts, data))))))
	}
	return frames
}

// A short version of FuzzDecodeAgainstGopacket: random damage with a fixed seed.
func TestDecode_againstGopacket(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	frames := ethernetSamples()
	compared := 0
	const rounds = 20_000
	for range rounds {
		frame := slices.Clone(frames[r.IntN(len(frames))])
		for range r.IntN(3) {
			frame[r.IntN(len(frame))] = byte(r.UintN(256))
		}
		frame = frame[:len(frame)-r.IntN(len(frame))/8]
		if compare(t, frame) {
			compared++
		}
	}
	if compared < rounds/10 {
		t.Errorf("gopacket decoded only %d of %d frames", compared, rounds)
	}
}

func FuzzDecodeAgainstGopacket(f *testing.F) {
	for _, frame := range ethernetSamples() {
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) { compare(t, frame) })
}
