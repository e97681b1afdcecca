package report

import (
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// JSON is appended by hand: a report of a million connections is a million
// rows, and none of them should cost an allocation.

// appendKey appends `"name": `, after a comma unless it is the first of its
// object. Names are ours and need no escaping.
func appendKey(b []byte, name string) []byte {
	if needsComma(b) {
		b = append(b, ", \""...)
	} else {
		b = append(b, '"')
	}
	b = append(b, name...)
	return append(b, "\": "...)
}

// appendDataKey is appendKey for names that are data: endpoints, reasons.
func appendDataKey(b []byte, name string) []byte {
	return append(appendString(appendComma(b), name), ": "...)
}

// appendComma separates an element from the one before it.
func appendComma(b []byte) []byte {
	if needsComma(b) {
		b = append(b, ", "...)
	}
	return b
}

// needsComma reports whether an element comes before: an opening bracket, or
// the space that a new line was indented with, has none.
func needsComma(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	last := b[len(b)-1]
	return last != '{' && last != '[' && last != ' '
}

func appendStringField(b []byte, name, value string) []byte {
	return appendString(appendKey(b, name), value)
}

func appendUintField(b []byte, name string, value uint64) []byte {
	return strconv.AppendUint(appendKey(b, name), value, 10)
}

func appendBoolField(b []byte, name string, value bool) []byte {
	return strconv.AppendBool(appendKey(b, name), value)
}

func appendTimeField(b []byte, name string, ns int64) []byte {
	return appendTime(appendKey(b, name), ns)
}

func appendSecondsField(b []byte, name string, ns int64) []byte {
	return appendSeconds(appendKey(b, name), ns)
}

func appendEndpointField(b []byte, name string, e reassembly.Endpoint) []byte {
	b = append(appendKey(b, name), '"')
	return append(appendEndpoint(b, e), '"')
}

func appendStringsField(b []byte, name string, values []string) []byte {
	b = append(appendKey(b, name), '[')
	for _, v := range values {
		b = appendString(appendComma(b), v)
	}
	return append(b, ']')
}

// appendTime appends a time in RFC 3339, UTC, with as many digits as it has.
func appendTime(b []byte, ns int64) []byte {
	b = append(b, '"')
	b = time.Unix(0, ns).UTC().AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// appendSeconds appends nanoseconds as a decimal number of seconds, exactly.
func appendSeconds(b []byte, ns int64) []byte {
	whole := uint64(ns)
	if ns < 0 {
		b = append(b, '-')
		whole = -whole
	}
	b = strconv.AppendUint(b, whole/1e9, 10)
	frac := whole % 1e9
	if frac == 0 {
		return b
	}
	b = append(b, '.')
	for unit := uint64(1e8); frac > 0; unit /= 10 {
		b = append(b, '0'+byte(frac/unit))
		frac %= unit
	}
	return b
}

// appendFloat appends a number; JSON has none for infinities.
func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendEndpoint appends addr:port, [v6]:port.
func appendEndpoint(b []byte, e reassembly.Endpoint) []byte {
	addr := netip.AddrFrom16(e.Addr).Unmap()
	if addr.Is4() {
		b = addr.AppendTo(b)
	} else {
		b = append(b, '[')
		b = addr.AppendTo(b)
		b = append(b, ']')
	}
	b = append(b, ':')
	return strconv.AppendUint(b, uint64(e.Port), 10)
}

// appendString appends s quoted. Beyond what RFC 8259 7 asks for it escapes
// what clean would, so that the document is harmless on a terminal, and <>&, so
// that it is harmless inside HTML. Bytes that are no UTF-8 cannot be in JSON:
// they are spelled out as \xNN.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		n := plainLength(s)
		b, s = append(b, s[:n]...), s[n:]
		if s == "" {
			return append(b, '"')
		}
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, '\\')
			b = appendHexEscape(b, s[0])
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '<' || r == '>' || r == '&' || !strconv.IsPrint(r):
			b = appendJSONRune(b, r)
		default:
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
}

// plainLength is how many bytes of s are ASCII that needs no escape: nearly
// always all of them.
func plainLength(s string) int {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			return i
		}
	}
	return len(s)
}

// appendJSONRune appends \uNNNN, twice for a rune beyond the basic plane.
func appendJSONRune(b []byte, r rune) []byte {
	if r <= 0xffff {
		return appendRuneEscape(b, r)
	}
	r -= 0x10000 // UTF-16 surrogates
	b = appendRuneEscape(b, 0xd800|r>>10)
	return appendRuneEscape(b, 0xdc00|r&0x3ff)
}
