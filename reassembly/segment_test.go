package reassembly

import (
	"testing"
	"unsafe"
)

// Segments lie in batches, and come to those who process them from another processor's cache: two lines of it, not three.
func TestSegment_takesTwoCacheLines(t *testing.T) {
	if n := unsafe.Sizeof(Segment{}); n != 128 {
		t.Errorf("a Segment takes %d bytes", n)
	}
}
