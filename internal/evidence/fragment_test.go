package evidence_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// split makes two IP fragments of an Ethernet frame of IPv4 (RFC 791 3.2), the
// first of which ends inside the TCP header.
func split(frame []byte) (first, second []byte) {
	const head, cut, more = etherHeader + 20, 16, 0x2000
	first, second = bytes.Clone(frame[:head+cut]), bytes.Clone(frame[:head])
	binary.BigEndian.PutUint16(first[etherHeader+2:], 20+cut)
	binary.BigEndian.PutUint16(first[etherHeader+6:], more)
	second = append(second, frame[head+cut:]...)
	binary.BigEndian.PutUint16(second[etherHeader+2:], uint16(len(second)-etherHeader))
	binary.BigEndian.PutUint16(second[etherHeader+6:], cut/8)
	return first, second
}

// aggregate makes an A-MSDU of 802.11 of Ethernet frames (IEEE 802.11 9.3.2.2.2).
func aggregate(frames [][]byte) []byte {
	b := append([]byte{0x88, 0x01, 0, 0}, make([]byte, 20)...)
	b = append(b, 0x80, 0) // QoS control: A-MSDU present
	for _, f := range frames {
		b = append(b, f[:12]...)
		b = binary.BigEndian.AppendUint16(b, uint16(8+len(f)-etherHeader))
		b = append(b, 0xaa, 0xaa, 3, 0, 0, 0)
		b = append(b, f[12:]...)
		for (len(b)-26)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}

// A segment that came in fragments, or with another one in an A-MSDU, is one frame of the evidence,
// without its payload.
func TestWrite_noFrameOfItsOwn(t *testing.T) {
	segs, end := segments(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	s := newSecrets(1)
	var whole [][]byte
	for i := range segs {
		segs[i].IPID = uint16(i + 1)
		whole = append(whole, s.frame(segs[i], encapsulations[0]))
	}
	for name, form := range map[string]struct {
		link   uint16
		frames func(i int) [][]byte
	}{
		"fragments": {1, func(i int) [][]byte {
			first, second := split(whole[i])
			return [][]byte{first, second}
		}},
		"A-MSDU": {105, func(i int) [][]byte {
			if i%2 != 0 {
				return nil
			}
			return [][]byte{aggregate(whole[i:min(i+2, len(whole))])}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := pcapng.NewWriter(&b)
			w.Begin(pcapng.Section{})
			tap, _ := w.Interface(pcapng.Interface{Link: form.link})
			for i := range segs {
				for _, data := range form.frames(i) {
					w.Packet(&pcapng.Packet{Interface: tap, At: segs[i].At, Data: data, Len: len(data)})
				}
			}
			w.End(end)
			original := filepath.Join(t.TempDir(), "original.pcapng")
			if err := os.WriteFile(original, b.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			m := anonymize.New(anonymize.Key{1})
			files := append(prove(t, evidence.Options{}, nil, original), prove(t, evidence.Options{Anonymize: m}, m.Segment, original)...)
			if len(files) < 2 {
				t.Fatal("nothing was found")
			}
			for _, f := range files {
				content, err := os.ReadFile(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				if got, _ := segments(t, content); len(got) != len(segs) || bytes.Contains(content, s.payload[:4]) {
					t.Errorf("%d frames of %d segments, or payload", len(got), len(segs))
				}
			}
		})
	}
}
