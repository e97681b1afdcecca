package pipeline

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// setBack writes a trace as three files, and returns their names: two taps with
// interleaved frames, one of them with timestamps out of order, and a file of two hours
// later whose clock is set back.
func setBack(t *testing.T, folder string, frames int64) (files []string) {
	t.Helper()
	var buf bytes.Buffer
	if _, err := tracegen.Write(&buf, tracegen.Spec{Frames: frames, Flows: int(frames / 100), Snap: 96, Faults: 4, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	const header, step = 24, 5
	head, rest := buf.Bytes()[:header], buf.Bytes()[header:]
	file := map[string][]byte{}
	add := func(name string, record []byte, shift int) {
		record = bytes.Clone(record)
		binary.LittleEndian.PutUint32(record, uint32(int(binary.LittleEndian.Uint32(record))+shift))
		if file[name] == nil {
			file[name] = bytes.Clone(head)
		}
		file[name] = append(file[name], record...)
	}
	var held []byte // of the second tap, to come after the next
	for i := 0; len(rest) > 0; i++ {
		n := 16 + int(binary.LittleEndian.Uint32(rest[8:]))
		record := rest[:n]
		rest = rest[n:]
		later := 7200
		if i > int(frames/2) {
			later -= step
		}
		add("later.pcap", record, later)
		switch {
		case i%2 == 0:
			add("a.pcap", record, 0)
		case i%14 == 1:
			held = record
		default:
			add("b.pcap", record, 0)
			if held != nil {
				add("b.pcap", held, 0)
				held = nil
			}
		}
	}
	for _, name := range []string{"a.pcap", "b.pcap", "later.pcap"} {
		files = append(files, filepath.Join(folder, name))
		if err := os.WriteFile(files[len(files)-1], file[name], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The order of the trace, its gap and its steps are those of one process.
func TestClocks(t *testing.T) {
	files := setBack(t, t.TempDir(), 6000)
	slices.Reverse(files) // for equal times, the order of names counts, not that of the list
	for _, o := range []Options{{}, {Group: 1, Least: 1, Hold: 100_000}} {
		o.Inputs, o.Output, o.Range = files, t.TempDir(), 20
		s := failingRunner{Rand: rand.New(rand.NewPCG(3, 4)), t: t, o: o}
		s.run()
		same(t, o, files)
	}
}

// If no FIN of the whole trace is acknowledged, a missing ACK proves nothing. That is
// known only when all connections have been counted.
func TestCounts(t *testing.T) {
	text, err := os.ReadFile("../../internal/cli/testdata/traces/last-ack.txtar") // nothing shows whether its second FIN arrived
	if err != nil {
		t.Fatal(err)
	}
	sample, err := scenario.Pcapng(text)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	var files []string
	for i := range byte(8) {
		name := filepath.Join(folder, string('a'+i)+".pcapng")
		other := bytes.ReplaceAll(sample, binary.BigEndian.AppendUint16(nil, 50000), binary.BigEndian.AppendUint16(nil, 50001+uint16(i)))
		if err := os.WriteFile(name, other, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	o := Options{Inputs: files, Output: t.TempDir()}
	s := failingRunner{Rand: rand.New(rand.NewPCG(5, 6)), t: t, o: o}
	s.run()
	same(t, o, files)
	if lines, _, _ := single(t, o, files); !bytes.Contains(lines, []byte("acks-filtered")) {
		t.Errorf("one process does not doubt the FINs:\n%s", lines)
	}
}
