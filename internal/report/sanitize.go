package report

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// Clean returns s with everything spelled out that a terminal or an editor
// would act on instead of showing: control characters of both kinds, escapes,
// bidirectional overrides, invisible and formatting characters, line
// separators, and bytes that are not UTF-8.
func Clean(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return cleaned(s)
		}
	}
	return s
}

func cleaned(s string) string {
	var b []byte
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r < utf8.RuneSelf && !strconv.IsPrint(r), r == utf8.RuneError && n == 1:
			b = appendHexEscape(b, s[0])
		case strconv.IsPrint(r):
			b = append(b, s[:n]...)
		case r > 0xffff:
			b = fmt.Appendf(b, `\U%08x`, r)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
		s = s[n:]
	}
	return string(b)
}

// appendHexEscape appends \xNN.
func appendHexEscape(b []byte, c byte) []byte { return fmt.Appendf(b, `\x%02x`, c) }
