package report

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An object is JSON that is appended to, field by field. A report of a million
// connections is a million rows: none of them should cost an allocation, which
// encoding/json cannot do. Names of fields are ours and need no escaping.
type object []byte

// comma separates an element from the one before it: after an opening bracket,
// or the space that a new line was indented with, there is none.
func (b object) comma() object {
	if len(b) == 0 {
		return b
	}
	switch b[len(b)-1] {
	case '{', '[', ' ':
		return b
	}
	return append(b, ", "...)
}

func (b object) key(name string) object {
	return append(append(append(b.comma(), '"'), name...), "\": "...)
}

// dataKey is key for names that are data: metrics, reasons.
func (b object) dataKey(name string) object { return append(b.comma().quoted(name), ": "...) }

// open begins a field that is an object or an array, element an object in an
// array.
func (b object) open(name string, bracket byte) object { return append(b.key(name), bracket) }
func (b object) element() object                       { return append(b.comma(), '{') }
func (b object) close(bracket byte) object             { return append(b, bracket) }

// line begins a new line for the next field.
func (b object) line() object { return append(b, ",\n "...) }

func (b object) str(name, value string) object     { return b.key(name).quoted(value) }
func (b object) uint(name string, n uint64) object { return b.key(name).number(n) }
func (b object) bool(name string, is bool) object  { return strconv.AppendBool(b.key(name), is) }
func (b object) time(name string, ns int64) object { return b.timeIf(true, name, ns) }
func (b object) number(n uint64) object            { return strconv.AppendUint(b, n, 10) }
func (b object) quotedEndpoint(e reassembly.Endpoint) object {
	return append(appendEndpoint(append(b, '"'), e), '"')
}
func (b object) endpoint(name string, e reassembly.Endpoint) object {
	return b.key(name).quotedEndpoint(e)
}

func (b object) strings(name string, values []string) object {
	b = b.open(name, '[')
	for _, v := range values {
		b = b.comma().quoted(v)
	}
	return b.close(']')
}

// timeIf is a time in RFC 3339, UTC, with as many digits as it has; null if it
// is unknown.
func (b object) timeIf(known bool, name string, ns int64) object {
	if b = b.key(name); !known {
		return append(b, "null"...)
	}
	return append(time.Unix(0, ns).UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// seconds is nanoseconds as a decimal number of seconds, exactly; null if they
// are unknown.
func (b object) seconds(name string, known bool, ns int64) object {
	if b = b.key(name); !known {
		return append(b, "null"...)
	}
	return appendSeconds(b, ns)
}

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

// float is a number; JSON has none for infinities.
func (b object) float(v float64) object {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64)
}

// appendEndpoint appends addr:port, [v6]:port.
func appendEndpoint(b []byte, e reassembly.Endpoint) []byte {
	return netip.AddrPortFrom(netip.AddrFrom16(e.Addr).Unmap(), e.Port).AppendTo(b)
}

// quoted is a string. Beyond what RFC 8259 7 asks for it escapes what Clean
// would, so that the document is harmless on a terminal, and <>&, so that it is
// harmless inside HTML. Bytes that are no UTF-8 cannot be in JSON: they are
// spelled out as \xNN.
func (b object) quoted(s string) object {
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
			b = appendHexEscape(append(b, '\\'), s[0])
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r > 0xffff && !strconv.IsPrint(r): // as UTF-16 surrogates
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800|(r-0x10000)>>10, 0xdc00|(r-0x10000)&0x3ff)
		case r == '<' || r == '>' || r == '&' || !strconv.IsPrint(r):
			b = fmt.Appendf(b, `\u%04x`, r)
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
