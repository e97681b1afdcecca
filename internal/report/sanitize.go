package report

import (
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
			return string(appendClean(nil, s))
		}
	}
	return s
}

// appendClean appends Clean(s).
func appendClean(b []byte, s string) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			b = appendHexEscape(b, s[0])
		case strconv.IsPrint(r):
			b = append(b, s[:n]...)
		case r < utf8.RuneSelf:
			b = appendHexEscape(b, s[0])
		default:
			b = appendRuneEscape(b, r)
		}
		s = s[n:]
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendHexEscape appends \xNN.
func appendHexEscape(b []byte, c byte) []byte {
	return append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
}

// appendRuneEscape appends \uNNNN, or \UNNNNNNNN beyond the basic plane, as Go
// writes them.
func appendRuneEscape(b []byte, r rune) []byte {
	mark, shift := byte('u'), 12
	if r > 0xffff {
		mark, shift = 'U', 28
	}
	b = append(b, '\\', mark)
	for ; shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&15])
	}
	return b
}
