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

// A segment that came in fragments is one frame of the evidence, without its
// payload.
func TestWrite_fragments(t *testing.T) {
	segs, end := segments(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	s := newSecrets(1)
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	w.Begin(pcapng.Section{})
	tap, _ := w.Interface(pcapng.Interface{Link: 1})
	for i := range segs {
		segs[i].IPID = uint16(i + 1)
		first, second := split(s.frame(segs[i], encapsulations[0]))
		for _, data := range [][]byte{first, second} {
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
}
