package filter

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

func cutHexPrefix(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "0x"); ok {
		return rest, true
	}
	return strings.CutPrefix(s, "0X")
}

// parseNumber reads a number as C does: 0x is hexadecimal, a leading 0 octal.
func parseNumber(s string) (uint32, error) {
	digits, base := s, 10
	if h, ok := cutHexPrefix(s); ok {
		digits, base = h, 16
	} else if len(s) > 1 && s[0] == '0' {
		base = 8
	}
	n, err := strconv.ParseUint(digits, base, 32)
	switch {
	case err == nil:
		return uint32(n), nil
	case base == 8 && strings.ContainsAny(s, "89"):
		return 0, fmt.Errorf("the number %s begins with 0 and is not octal", s)
	}
	return 0, fmt.Errorf("the number %s does not fit in 32 bits", s)
}

// parseIPv4 reads one to four decimal bytes; bits says how many were given.
// The address is left-justified: 10.1 is 10.1.0.0 with 16 bits.
func parseIPv4(s string) (addr uint32, bits int, err error) {
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, 0, fmt.Errorf("invalid IPv4 address %s", quote(s))
		}
		addr = addr<<8 | uint32(n)
		bits += 8
	}
	return addr << (32 - bits), bits, nil
}

// prefixMask is the mask of a prefix of 0 to 32 bits.
func prefixMask(bits int) uint32 { return ^uint32(0) << (32 - bits) }

// parseMAC reads what isMAC accepts.
func parseMAC(s string) []byte {
	if !strings.ContainsAny(s, ":-.") || strings.Count(s, ".") == 2 {
		addr, _ := hex.DecodeString(strings.ReplaceAll(s, ".", ""))
		return addr
	}
	addr := make([]byte, 0, 6)
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(":-.", r) }) {
		n, _ := strconv.ParseUint(part, 16, 8)
		addr = append(addr, byte(n))
	}
	return addr
}
