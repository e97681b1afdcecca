package tracegen

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// A seenFrame is one frame as read from the file, without this package's encoding.
type seenFrame struct {
	at        int64
	wire      int
	data      []byte // as captured
	src, dst  netip.AddrPort
	seq, ack  uint32
	flags     uint8
	window    uint16
	headers   int
	payload   int
	options   []byte
	segment   []byte // TCP header and payload, as captured
	ipLen     int    // link header to the end of the IP packet
	pseudoSum uint32
}

// flow names a frame's connection by its two ends, the lesser first.
func (f *seenFrame) flow() [2]netip.AddrPort {
	if f.src.Compare(f.dst) < 0 {
		return [2]netip.AddrPort{f.src, f.dst}
	}
	return [2]netip.AddrPort{f.dst, f.src}
}

// generate writes a spec's trace and reads it back.
func generate(t *testing.T, spec Spec) ([]seenFrame, Truth) {
	t.Helper()
	var file bytes.Buffer
	truth, err := Write(&file, spec)
	if err != nil {
		t.Fatal(err)
	}
	if int64(file.Len()) != truth.Bytes {
		t.Errorf("the file has %d bytes, the truth says %d", file.Len(), truth.Bytes)
	}
	return readFrames(t, file.Bytes()), truth
}

func readFrames(t *testing.T, b []byte) []seenFrame {
	t.Helper()
	le := binary.LittleEndian
	unit := map[uint32]int64{0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[le.Uint32(b)]
	if unit == 0 || le.Uint32(b[20:]) != 1 {
		t.Fatalf("no Ethernet pcap: % x", b[:24])
	}
	var frames []seenFrame
	for b = b[24:]; len(b) > 0; {
		kept, wire := int(le.Uint32(b[8:])), int(le.Uint32(b[12:]))
		at := int64(le.Uint32(b))*1e9 + int64(le.Uint32(b[4:]))*unit
		frames = append(frames, readFrame(t, at, wire, b[16:16+kept]))
		b = b[16+kept:]
	}
	return frames
}

func readFrame(t *testing.T, at int64, wire int, b []byte) seenFrame {
	t.Helper()
	be := binary.BigEndian
	f := seenFrame{at: at, wire: wire, data: b}
	var src, dst netip.Addr
	var tcp int
	switch kind := be.Uint16(b[12:]); kind {
	case 0x0800:
		src, dst = netip.AddrFrom4([4]byte(b[26:])), netip.AddrFrom4([4]byte(b[30:]))
		f.ipLen, tcp = 14+int(be.Uint16(b[16:])), 34
		f.pseudoSum = sum(b[26:34])
		if s := fold(sum(b[14:34])); s != 0xffff {
			t.Fatalf("IPv4 header checksum is off by %#x", s)
		}
	case 0x86dd:
		src, dst = netip.AddrFrom16([16]byte(b[22:])), netip.AddrFrom16([16]byte(b[38:]))
		f.ipLen, tcp = 54+int(be.Uint16(b[18:])), 54
		f.pseudoSum = sum(b[22:54])
	default:
		t.Fatalf("EtherType %#x", kind)
	}
	f.segment = b[tcp:min(len(b), f.ipLen)]
	f.headers = tcp + int(b[tcp+12]>>4)*4
	f.payload = f.ipLen - f.headers
	f.options = b[tcp+20 : min(len(b), f.headers)]
	f.src = netip.AddrPortFrom(src, be.Uint16(b[tcp:]))
	f.dst = netip.AddrPortFrom(dst, be.Uint16(b[tcp+2:]))
	f.seq, f.ack = be.Uint32(b[tcp+4:]), be.Uint32(b[tcp+8:])
	f.flags, f.window = b[tcp+13], be.Uint16(b[tcp+14:])
	f.pseudoSum += uint32(f.ipLen-tcp) + 6
	return f
}

// sum adds up 16-bit words, byte by byte.
func sum(b []byte) (s uint32) {
	for i, v := range b {
		s += uint32(v) << (8 * (1 - i%2))
	}
	return s
}
