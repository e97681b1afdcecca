package textcap

import (
	"strconv"
	"strings"
)

// cutWord cuts the first word off a line.
func cutWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// cutLast cuts the last word off.
func cutLast(s string) (rest, word string) {
	s = strings.TrimRight(s, " \t")
	i := strings.LastIndexAny(s, " \t")
	return s[:i+1], s[i+1:]
}

// after is what follows a mark, "" without it.
func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

func numberAfter(s, mark string, most uint64) (uint64, bool) {
	return leadingNumber(after(s, mark), most)
}

// leadingNumber reads the number that s begins with.
func leadingNumber(s string, most uint64) (uint64, bool) {
	s = strings.TrimLeft(s, " ")
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseUint(s[:i], 10, 64)
	return n, err == nil && n <= most
}

// cutNumber cuts the 32-bit number off that s begins with. A negative one is
// modulo 2^32.
func cutNumber(s string) (n uint32, rest string, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	i := 0
	for i < len(digits) && digits[i] >= '0' && digits[i] <= '9' {
		i++
	}
	v, err := strconv.ParseUint(digits[:i], 10, 32)
	if err != nil {
		return 0, s, false
	}
	n = uint32(v)
	if negative {
		n = -n
	}
	return n, digits[i:], true
}
