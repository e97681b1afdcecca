package anonymize

import (
	"encoding/hex"
	"math/bits"
	"net/netip"
	"testing"
)

// sampleKey is that of the sample trace which came with Crypto-PAn.
var sampleKey = Key{21, 34, 23, 141, 51, 164, 207, 128, 19, 10, 91, 22, 73, 144, 125, 16,
	216, 152, 143, 131, 121, 121, 101, 39, 98, 87, 76, 45, 42, 132, 34, 2}

func TestAddr_sampleTrace(t *testing.T) {
	m := New(sampleKey)
	for _, c := range []struct{ from, to string }{
		{"128.11.68.132", "135.242.180.132"},
		{"129.118.74.4", "134.136.186.123"},
		{"130.132.252.244", "133.68.164.234"},
		{"141.223.7.43", "141.167.8.160"},
		{"141.233.145.108", "141.129.237.235"},
		{"152.163.225.39", "151.140.114.167"},
		{"192.102.249.13", "252.138.62.131"},
		{"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
		{"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
	} {
		if got := replaced(m, netip.MustParseAddr(c.from)); got != netip.MustParseAddr(c.to) {
			t.Errorf("%s becomes %s, want %s", c.from, got, c.to)
		}
	}
}

// Two addresses share as many leading bits as before, whatever the key.
func FuzzAddr_prefix(f *testing.F) {
	f.Add(sampleKey[:], []byte("abcdabce"))
	f.Add(sampleKey[:], []byte("abcdefghijklmnopabcdefghijklmnop"))
	f.Fuzz(func(t *testing.T, key, pair []byte) {
		a, okA := netip.AddrFromSlice(pair[:len(pair)/2])
		b, okB := netip.AddrFromSlice(pair[len(pair)/2:])
		if len(key) != len(Key{}) || !okA || !okB || a.Unmap() != a || b.Unmap() != b {
			t.Skip()
		}
		m := New(Key(key))
		if before, after := shared(a, b), shared(replaced(m, a), replaced(m, b)); before != after {
			t.Errorf("%s and %s shared %d bits, %s and %s share %d", a, b, before, replaced(m, a), replaced(m, b), after)
		}
	})
}

// replaced is the replacement of an address.
func replaced(m *Mapper, a netip.Addr) netip.Addr {
	return netip.AddrFrom16(m.host(a.As16())).Unmap()
}

func shared(a, b netip.Addr) (n int) {
	x, y := a.AsSlice(), b.AsSlice()
	for i := range x {
		if k := bits.LeadingZeros8(x[i] ^ y[i]); k < 8 {
			return n + k
		}
		n += 8
	}
	return n
}

func TestParseKey(t *testing.T) {
	digits := hex.EncodeToString(sampleKey[:])
	for _, c := range []struct {
		name, content string
		ok            bool
	}{
		{"bytes", string(sampleKey[:]), true},
		{"digits", digits, true},
		{"digits of a text file", " " + digits + "\r\n", true},
		{"too short", string(sampleKey[:31]), false},
		{"a newline too many", string(sampleKey[:]) + "\n", false},
		{"no digits", digits[:62] + "xy", false},
		{"nothing", "", false},
	} {
		key, err := ParseKey([]byte(c.content))
		if (err == nil) != c.ok || c.ok && key != sampleKey {
			t.Errorf("%s: %x, %v", c.name, key, err)
		}
	}
	if a, b := NewKey(), NewKey(); a == b {
		t.Error("two new keys are the same")
	}
}
