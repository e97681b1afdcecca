package loss

import (
	"testing"
	"unsafe"
)

// With loss, nearly every connection has these. With a byte more than the allocator gives for such a size, each takes a tenth more or so.
func TestSizes(t *testing.T) {
	for _, x := range []struct {
		name      string
		got, want uintptr
	}{
		{"resender", unsafe.Sizeof(resender{}), 512},
		{"reorderedSide", unsafe.Sizeof(reorderedSide{}), 416},
		{"openResend", unsafe.Sizeof(openResend{}), 64},
	} {
		if x.got > x.want {
			t.Errorf("%s takes %d bytes, want no more than %d", x.name, x.got, x.want)
		}
	}
}
