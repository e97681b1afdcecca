package filter

import (
	"fmt"
	"strconv"
)

// defaultSnaplen, in bytes, is tcpdump's.
const defaultSnaplen = 262144

// Limits on what is compiled, far above what fits in a program.
const (
	maxLength = 1 << 16 // bytes of an expression
	maxSteps  = 8192    // of its decision graph
)

// A SyntaxError says why an expression was refused.
type SyntaxError struct {
	Pos int    // byte offset into the expression
	Msg string // without the position
}

// Error gives the position as a column, counted from 1.
func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Pos+1, e.Msg) }

// useTcpdump ends the refusal of what tcpdump would accept.
const useTcpdump = "; compile the expression with tcpdump -ddd and give the result to --filter-bpf"

// quote shows a piece of an expression, which may contain control characters.
func quote(s string) string { return strconv.QuoteToGraphic(s) }

// Compile translates a pcap-filter(7) expression into classic BPF for packets
// of one link type, a number of https://www.tcpdump.org/linktypes.html: NULL
// (0), Ethernet (1), PPP (9), RAW (12, 14 or 101), LOOP (108), LINUX_SLL (113),
// IPV4 (228), IPV6 (229) or LINUX_SLL2 (276). The kernel keeps snaplen bytes of
// a packet that matches; 0 or less means tcpdump's 262144. An empty expression
// matches everything. The error is a [*SyntaxError] unless the link type is not
// supported.
func Compile(expr string, link uint32, snaplen int) (*Program, error) {
	at, ok := layoutOf(link)
	switch {
	case !ok:
		return nil, fmt.Errorf("filter: expressions are not supported for link type %d%s", link, useTcpdump)
	case len(expr) > maxLength:
		return nil, &SyntaxError{maxLength, fmt.Sprintf("the expression is longer than %d bytes", maxLength)}
	case snaplen <= 0:
		snaplen = defaultSnaplen
	}
	tokens, err := lex(expr)
	if err != nil {
		return nil, err
	}
	c := &compiler{tokens: tokens, pool: pool{ids: map[value]valueID{}}, at: at}
	matches := c.expression()
	if c.err != nil {
		return nil, c.err
	}
	g := newGraph()
	g.root = matches(g, accept, reject)
	if len(g.steps) > maxSteps {
		return nil, &SyntaxError{0, "the expression is too long"}
	}
	g = g.simplified()
	if g.root == reject {
		return nil, &SyntaxError{0, "the expression matches no packet"}
	}
	blocks, ok := blocksOf(g, &c.pool)
	if !ok {
		return nil, &SyntaxError{0, "the arithmetic is nested too deeply"}
	}
	code := assemble(g, blocks, uint32(snaplen))
	if len(code) > maxInstructions {
		return nil, &SyntaxError{0, fmt.Sprintf("the program needs more than the %d instructions that the kernel takes", maxInstructions)}
	}
	return &Program{code: code, vlan: c.vlan}, nil
}

// A compiler reads an expression from left to right and translates it into a
// condition on values of the packet.
type compiler struct {
	tokens []token
	next   int // index of the token to read
	start  int // position of the operand of and and or that is being read
	depth  int // of nesting
	pool
	at   layout
	vlan bool         // 802.1Q tags were asked for
	err  *SyntaxError // the first; after it every token reads as the end
}

// fail refuses the operand that is being read.
func (c *compiler) fail(format string, args ...any) condition {
	return c.failAt(c.start, format, args...)
}

func (c *compiler) failAt(pos int, format string, args ...any) condition {
	if c.err == nil {
		c.err = &SyntaxError{pos, fmt.Sprintf(format, args...)}
	}
	return never
}
