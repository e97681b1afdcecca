package filter

import (
	"fmt"
	"net/netip"
	"strings"
)

// A kind is the class of a token.
type kind uint8

const (
	end      kind = iota
	keyword       // host, tcp, and, ( , [ , <= ...: text says which
	number        // 80, 0x50, 0120, tcp-syn: num is its value
	word          // any other name, and \tcp: an escaped keyword
	addrIPv4      // 10.1 to 10.1.2.3
	addrIPv6      // 2001:db8::1
	mac           // 00:11:22:33:44:55, also with - or . or 001122334455
)

// A token is one lexical element of an expression. pos is its byte offset.
type token struct {
	kind kind
	pos  int
	text string
	num  uint32
}

// describe is the token as error messages show it.
func (t token) describe() string {
	if t.kind == end {
		return "the end of the expression"
	}
	return quote(t.text)
}

const (
	hexDigits = "0123456789abcdefABCDEF"
	decDigits = "0123456789"
	wordChars = "-_." + decDigits + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// lex splits an expression; the last token has kind end. Where several rules
// match, the longest wins, as in libpcap's scanner: `80-90` is one word.
func lex(expr string) ([]token, error) {
	var tokens []token
	for pos := 0; ; {
		pos += len(expr[pos:]) - len(strings.TrimLeft(expr[pos:], " \t\r\n"))
		if pos == len(expr) {
			return append(tokens, token{kind: end, pos: pos}), nil
		}
		t, err := lexOne(expr[pos:])
		if err != nil {
			return nil, &SyntaxError{Pos: pos, Msg: err.Error()}
		}
		t.pos = pos
		pos += len(t.text)
		if t.kind == word || t.kind == keyword {
			t = canonical(t)
		}
		tokens = append(tokens, t)
	}
}

// lexOne reads the token at the start of s, which is not empty.
func lexOne(s string) (token, error) {
	if t, ok := lexAddress(s); ok {
		return t, nil
	}
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return token{kind: keyword, text: op}, nil
		}
	}
	if s[0] == '\\' {
		if n := prefixLen(s[1:], func(c byte) bool { return !strings.ContainsRune(" !()\n\t", rune(c)) }); n > 0 {
			return token{kind: word, text: s[:1+n]}, nil
		}
	}
	n := prefixLen(s, in(wordChars))
	text := strings.TrimRight(s[:n], "-_")
	switch {
	case text == "" || strings.ContainsRune("-_.", rune(s[0])):
		return token{}, fmt.Errorf("unexpected character %s", quote(s[:1]))
	case isMAC(text):
		return token{kind: mac, text: text}, nil
	case isDotted(text):
		return token{kind: addrIPv4, text: text}, nil
	case isNumber(text):
		num, err := parseNumber(text)
		return token{kind: number, text: text, num: num}, err
	}
	if num, ok := numberNames[text]; ok {
		return token{kind: number, text: text, num: num}, nil
	}
	return token{kind: word, text: text}, nil
}

// operators, longest first.
var operators = []string{
	">=", "<=", "!=", "==", "<<", ">>", "&&", "||",
	"+", "-", "*", "/", "%", ":", "[", "]", "!", "<", ">", "(", ")", "&", "|", "^", "=",
}

// canonical gives synonyms one spelling and tells keywords from names.
func canonical(t token) token {
	if name, escaped := strings.CutPrefix(t.text, `\`); escaped {
		t.text = name
		return t
	}
	if s, ok := synonyms[t.text]; ok {
		t.text = s
	}
	if keywords[t.text] || unsupported[t.text] {
		t.kind = keyword
	}
	return t
}

// lexAddress reads what may contain colons: IPv6 and MAC addresses. A lone
// `0:4`, as in ether[0:4], is neither.
func lexAddress(s string) (token, bool) {
	text := s[:prefixLen(s, in(hexDigits+":."))]
	if strings.Count(text, ":") < 2 {
		return token{}, false
	}
	if isMAC(text) {
		return token{kind: mac, text: text}, true
	}
	a, err := netip.ParseAddr(text)
	return token{kind: addrIPv6, text: text}, err == nil && a.Is6()
}

// isMAC reports whether s is six groups of one or two hexadecimal digits with
// one separator, or xxxx.xxxx.xxxx, or twelve digits.
func isMAC(s string) bool {
	for _, form := range []struct {
		sep           string
		groups        int
		shortest, max int
	}{{":", 6, 1, 2}, {"-", 6, 1, 2}, {".", 6, 1, 2}, {".", 3, 4, 4}, {" ", 1, 12, 12}} {
		parts := strings.Split(s, form.sep)
		ok := len(parts) == form.groups
		for _, p := range parts {
			ok = ok && len(p) >= form.shortest && len(p) <= form.max && prefixLen(p, in(hexDigits)) == len(p)
		}
		if ok {
			return true
		}
	}
	return false
}

// isDotted reports whether s is two to four decimal numbers with dots between.
func isDotted(s string) bool {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if p == "" || prefixLen(p, in(decDigits)) != len(p) {
			return false
		}
	}
	return len(parts) >= 2 && len(parts) <= 4
}

func isNumber(s string) bool {
	if hex, ok := cutHexPrefix(s); ok {
		return hex != "" && prefixLen(hex, in(hexDigits)) == len(hex)
	}
	return prefixLen(s, in(decDigits)) == len(s)
}

func in(set string) func(byte) bool {
	return func(c byte) bool { return strings.IndexByte(set, c) >= 0 }
}

// prefixLen counts the leading bytes of s that satisfy ok.
func prefixLen(s string, ok func(byte) bool) int {
	n := 0
	for n < len(s) && ok(s[n]) {
		n++
	}
	return n
}
