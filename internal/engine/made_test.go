package engine_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// Where all segments have one IP ID, a program made them, and nothing is seen. Another ID is enough.
func TestMade(t *testing.T) {
	for _, last := range []uint16{1, 2} {
		t.Run(fmt.Sprint("the last has ID ", last), func(t *testing.T) {
			file := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
			file = append(file, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0) // of raw IP
			const connections = 50
			for i := range uint16(connections) {
				id := uint16(1)
				if i == connections-1 {
					id = last
				}
				file = append(append(file, packet(i, 1, 2, 1, 0x02)...), packet(i, 2, 1, id, 0x14)...) // SYN, RST+ACK
			}
			rep := findingsIn(t, file)
			seen, made := false, last == 1
			for i := range rep.Findings {
				seen = seen || rep.Findings[i].Verdict == detectors.Seen
			}
			if seen == made {
				t.Errorf("of %d findings, one is seen: %v", len(rep.Findings), seen)
			}
			if warned := strings.Contains(strings.Join(rep.Captures[0].Warnings, " "), "same IP ID"); warned != made {
				t.Errorf("warnings are %q", rep.Captures[0].Warnings)
			}
		})
	}
}

// packet is a record of a file with a segment of the n-th connection, which host 1 opens.
func packet(n uint16, from, to byte, id uint16, flags byte) []byte {
	b := make([]byte, 16+20+20)
	binary.LittleEndian.PutUint32(b, uint32(n))
	binary.LittleEndian.PutUint32(b[4:], uint32(from))
	binary.LittleEndian.PutUint32(b[8:], 40)
	binary.LittleEndian.PutUint32(b[12:], 40)
	ip, tcp := b[16:36], b[36:]
	ip[0], ip[3], ip[8], ip[9] = 0x45, 40, 64, 6
	binary.BigEndian.PutUint16(ip[4:], id)
	copy(ip[12:], []byte{10, 0, 0, from, 10, 0, 0, to})
	ports := [3]uint16{1: 40_000 + n, 2: 443}
	binary.BigEndian.PutUint16(tcp, ports[from])
	binary.BigEndian.PutUint16(tcp[2:], ports[to])
	binary.BigEndian.PutUint32(tcp[4+4*(from-1):], uint32(from-1)) // the RST acknowledges the SYN
	tcp[12], tcp[13] = 5<<4, flags
	return b
}
