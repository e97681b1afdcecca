package cli

import "testing"

// A heap may double up to largeHeap, and then grow by a quarter; the system's limit comes first.
func TestNextCollection(t *testing.T) {
	const mb, none = 1 << 20, 1 << 62
	for _, c := range [][3]int64{ // in use, limit, at what the next collection comes at the latest
		{100 * mb, none, largeHeap},
		{600 * mb, none, largeHeap},
		{1000 * mb, none, 1250 * mb},
		{1000 * mb, 1100 * mb, 1100 * mb},
		{100 * mb, 500 * mb, 500 * mb},
	} {
		if at := nextCollection(c[0], c[1]); at != c[2] {
			t.Errorf("with %d bytes in use and a limit of %d: at %d, want %d", c[0], c[1], at, c[2])
		}
	}
}

// Garbage is collected when connections end if there is much, and nobody else has collected any since firstHeap.
func TestPaysAtEnd(t *testing.T) {
	if paysAtEnd(mediumHeap-1, 0) || !paysAtEnd(mediumHeap, 0) || !paysAtEnd(4*mediumHeap, 1) || paysAtEnd(4*mediumHeap, 2) {
		t.Error("garbage is collected of little, or though others did, or never")
	}
}
