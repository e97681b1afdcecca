package filter

import (
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A tokenKind is the class of a token.
type tokenKind uint8

const (
	end      tokenKind = iota
	keyword            // host, tcp, and, ( , [ , <= ...: text says which
	number             // 80, 0x50, 0120, tcp-syn: num is its value
	word               // any other name, and \tcp: an escaped keyword
	addrIPv4           // 10.1 to 10.1.2.3
	addrIPv6           // 2001:db8::1
	mac                // 00:11:22:33:44:55, also with - or . or 001122334455
)

// A token is one lexical element of an expression. pos is its byte offset.
type token struct {
	kind tokenKind
	pos  int
	text string
	num  uint32
}

// is reports whether t is one of the keywords.
func (t token) is(keywords ...string) bool {
	return t.kind == keyword && slices.Contains(keywords, t.text)
}

// A lexRule says which text is a token of a kind.
type lexRule struct {
	kind    tokenKind
	pattern *regexp.Regexp
}

// lexRules are those of libpcap's scanner.l. As in flex, the longest match
// wins, and of equally long ones the first rule: `80-90` is one word.
var lexRules = sync.OnceValue(func() []lexRule {
	rule := func(kind tokenKind, pattern string) lexRule {
		r := lexRule{kind, regexp.MustCompile("^(?:" + pattern + ")")}
		r.pattern.Longest()
		return r
	}
	const hex, group = `[0-9a-fA-F]`, `[0-9a-fA-F]{1,2}`
	return []lexRule{
		rule(mac, group+`((:`+group+`){5}|(-`+group+`){5}|(\.`+group+`){5})`),
		rule(mac, hex+`{4}(\.`+hex+`{4}){2}|`+hex+`{12}`),
		rule(addrIPv6, `[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F.:]*`),
		rule(addrIPv4, `[0-9]+(\.[0-9]+){1,3}`),
		rule(number, `[0-9]+|0[xX]`+hex+`+`),
		rule(keyword, `[<>!=]=|<<|>>|&&|\|\||[-+*/%:!<>()&|^=]|\[|\]`),
		rule(word, `\\[^ !()\n\t]+|[A-Za-z0-9]([-_.A-Za-z0-9]*[.A-Za-z0-9])?`),
	}
})

// lex splits an expression; the last token has kind end.
func lex(expr string) ([]token, error) {
	var tokens []token
	for pos := 0; ; {
		pos += len(expr[pos:]) - len(strings.TrimLeft(expr[pos:], " \t\r\n"))
		t := token{pos: pos}
		if pos == len(expr) {
			return append(tokens, t), nil
		}
		for _, r := range lexRules() {
			if m := r.pattern.FindString(expr[pos:]); len(m) > len(t.text) {
				t.kind, t.text = r.kind, m
			}
		}
		if t.text == "" {
			return nil, &SyntaxError{pos, "unexpected character " + quote(expr[pos:pos+1])}
		}
		pos += len(t.text)
		if why := t.resolve(); why != "" {
			return nil, &SyntaxError{t.pos, why}
		}
		tokens = append(tokens, t)
	}
}

// resolve finds the number that a token stands for, tells keywords from other
// words, and gives synonyms one spelling. It returns what is wrong with the
// token, if anything is.
func (t *token) resolve() (why string) {
	switch t.kind {
	case number:
		// As in C: 0x is hexadecimal, a leading 0 octal.
		n, err := strconv.ParseUint(t.text, 0, 32)
		if errors.Is(err, strconv.ErrSyntax) {
			return "the number " + t.text + " begins with 0 and is not octal"
		} else if err != nil {
			return "the number " + t.text + " does not fit in 32 bits"
		}
		t.num = uint32(n)
	case addrIPv6:
		if a, err := netip.ParseAddr(t.text); err != nil || !a.Is6() {
			return "invalid IPv6 address " + t.text
		}
	case word, keyword:
		if name, escaped := strings.CutPrefix(t.text, `\`); escaped {
			t.text = name
			return ""
		}
		if n, ok := numberNames[t.text]; ok {
			t.kind, t.num = number, n
		}
		if s, ok := synonyms[t.text]; ok {
			t.text = s
		}
		if keywords[t.text] || unsupported[t.text] {
			t.kind = keyword
		}
	}
	return ""
}
