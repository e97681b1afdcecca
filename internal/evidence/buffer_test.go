package evidence

import (
	"bytes"
	"os"
	"testing"
)

// However many buffers there are, they share the memory, and each comes out as
// it went in.
func TestBuffer_spills(t *testing.T) {
	all := &buffers{dir: t.TempDir(), max: 1000}
	list := []*buffer{all.add(), all.add(), all.add()}
	want := make([]bytes.Buffer, len(list))
	for i := range 500 {
		n := i * i % len(list) // the last one gets nothing
		p := bytes.Repeat([]byte{byte(i)}, i%50)
		want[n].Write(p)
		if _, err := list[n].Write(p); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, b := range list {
			held += len(b.data)
		}
		if held > all.max {
			t.Fatalf("%d bytes are held, %d may be", held, all.max)
		}
	}
	for i, b := range list {
		var got bytes.Buffer
		if err := b.copyTo(&got); err != nil || !bytes.Equal(got.Bytes(), want[i].Bytes()) {
			t.Errorf("buffer %d: %d bytes of %d (%v)", i, got.Len(), want[i].Len(), err)
		}
	}
	all.clear()
	if left, err := os.ReadDir(all.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestBuffer_noDirectory(t *testing.T) {
	all := &buffers{dir: t.TempDir() + "/missing", max: 10}
	if _, err := all.add().Write(make([]byte, 11)); err == nil {
		t.Error("data was lost without an error")
	}
}
