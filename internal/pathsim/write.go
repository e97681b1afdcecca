package pathsim

import (
	"bytes"
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const ethernet = 1

// Pcap is a classic capture of the segments, without payload. It states no end.
func Pcap(segs []reassembly.Segment) []byte {
	var b bytes.Buffer
	le := binary.LittleEndian
	head := make([]byte, 24)
	le.PutUint32(head, 0xa1b23c4d) // nanoseconds
	le.PutUint16(head[4:], 2)
	le.PutUint16(head[6:], 4)
	le.PutUint32(head[16:], 262144)
	le.PutUint32(head[20:], ethernet)
	b.Write(head)
	var frame []byte
	for i := range segs {
		s := &segs[i]
		var n int
		frame, n = appendFrame(frame[:0], s)
		record := make([]byte, 16)
		le.PutUint32(record, uint32(s.At/1e9))
		le.PutUint32(record[4:], uint32(s.At%1e9))
		le.PutUint32(record[8:], uint32(len(frame)))
		le.PutUint32(record[12:], uint32(n)+s.Len)
		b.Write(record)
		b.Write(frame)
	}
	return b.Bytes()
}

// Merged is one capture of several taps, by time: with an interface for each, as
// mergecap writes it, or with all on one.
func Merged(byInterface bool, taps ...[]reassembly.Segment) []byte {
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	_ = w.Begin(pcapng.Section{})
	for range taps {
		_, _ = w.Interface(pcapng.Interface{Link: ethernet})
	}
	at := make([]int, len(taps))
	var frame []byte
	for {
		next := -1
		for i := range taps {
			if at[i] < len(taps[i]) && (next < 0 || taps[i][at[i]].At < taps[next][at[next]].At) {
				next = i
			}
		}
		if next < 0 {
			return b.Bytes()
		}
		s := &taps[next][at[next]]
		at[next]++
		var n int
		frame, n = appendFrame(frame[:0], s)
		iface := 0
		if byInterface {
			iface = next
		}
		_ = w.Packet(&pcapng.Packet{Interface: iface, At: s.At, Data: frame, Len: n + int(s.Len)})
	}
}

func appendFrame(dst []byte, s *reassembly.Segment) (frame []byte, headers int) {
	return packet.Append(dst, s, packet.Form{Dst: [6]byte{2, byte(s.Link), 1}, Src: [6]byte{2, byte(s.Link), 2}})
}
