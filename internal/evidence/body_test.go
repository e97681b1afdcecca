package evidence

import (
	"bytes"
	"os"
	"testing"
)

// However many bodies there are, they share the room, and each comes out as it
// went in.
func TestBody_spills(t *testing.T) {
	r := &room{dir: t.TempDir(), max: 1000}
	bodies := []*body{r.body(), r.body(), r.body()}
	want := make([]bytes.Buffer, len(bodies))
	for i := range 500 {
		n := i * i % len(bodies) // the last one gets nothing
		p := bytes.Repeat([]byte{byte(i)}, i%50)
		want[n].Write(p)
		if _, err := bodies[n].Write(p); err != nil {
			t.Fatal(err)
		}
		held := 0
		for _, b := range bodies {
			held += len(b.buf)
		}
		if held > r.max {
			t.Fatalf("%d bytes are held, %d may be", held, r.max)
		}
	}
	for i, b := range bodies {
		var got bytes.Buffer
		if err := b.copyTo(&got); err != nil || !bytes.Equal(got.Bytes(), want[i].Bytes()) {
			t.Errorf("body %d: %d bytes of %d (%v)", i, got.Len(), want[i].Len(), err)
		}
	}
	r.clear()
	if left, err := os.ReadDir(r.dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v (%v)", left, err)
	}
}

func TestBody_noRoom(t *testing.T) {
	r := &room{dir: t.TempDir() + "/gone", max: 10}
	if _, err := r.body().Write(make([]byte, 11)); err == nil {
		t.Error("a body is lost without a word")
	}
}
