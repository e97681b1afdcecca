package flow

import (
	"encoding/binary"
	"testing"
)

// TestAddresses: what was added may be in the set, and of what was not, little seems to be.
func TestAddresses(t *testing.T) {
	var a Addresses
	number := func(i uint32) (addr [16]byte) { // IPv4 addresses, one beside the other
		addr[10], addr[11] = 0xff, 0xff
		binary.BigEndian.PutUint32(addr[12:], 0x0a000000+i)
		return addr
	}
	for i := range uint32(4000) {
		a.Add(number(i))
	}
	wrong := 0
	for i := range uint32(8000) {
		if may := a.MayHave(number(i)); i < 4000 && !may {
			t.Fatalf("%d is not in the set", i)
		} else if i >= 4000 && may {
			wrong++
		}
	}
	if n := a.AtLeast(); n > 4000 || n < 3400 {
		t.Errorf("4000 addresses, and at least %d are in the set", n)
	}
	if wrong > 300 {
		t.Errorf("%d of 4000 seem to be in the set", wrong)
	}
}
