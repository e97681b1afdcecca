package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// defaultSnaplen is tcpdump's.
const defaultSnaplen = 262144

// maxLength, in bytes, and maxSteps bound what is worked on, at far more than
// a program can hold.
const (
	maxLength = 1 << 16
	maxSteps  = 8192
)

// Compile translates a pcap-filter(7) expression into classic BPF for packets
// of one link type, a number of https://www.tcpdump.org/linktypes.html: NULL
// (0), Ethernet (1), PPP (9), RAW (12, 14 or 101), LOOP (108), LINUX_SLL (113),
// IPV4 (228), IPV6 (229) or LINUX_SLL2 (276). snaplen is how many bytes the
// kernel shall keep of a packet that matches; 0 or less is tcpdump's 262144.
// An empty expression matches everything. What is not understood is refused
// with a [*SyntaxError].
func Compile(expr string, link uint32, snaplen int) (*Program, error) {
	at, ok := layoutOf(link)
	if !ok {
		return nil, fmt.Errorf("filter: expressions are not supported for link type %d%s", link, escapeHatch)
	}
	if len(expr) > maxLength {
		return nil, &SyntaxError{maxLength, fmt.Sprintf("the expression is longer than %d bytes", maxLength)}
	}
	if snaplen <= 0 {
		snaplen = defaultSnaplen
	}
	tree, err := parse(expr)
	if err != nil {
		return nil, err
	}
	g := &generator{pool: newPool(), at: at}
	c := always
	if tree != nil {
		c = g.condition(tree)
	}
	if g.err != nil {
		return nil, g.err
	}
	return g.program(c, uint32(snaplen))
}

// program assembles the program of a condition.
func (g *generator) program(c *condition, snaplen uint32) (*Program, error) {
	decisions := newGraph()
	decisions.root = decisions.decide(c, accept, reject)
	if len(decisions.steps) > maxSteps {
		return nil, &SyntaxError{0, "the expression is too long"}
	}
	decisions = decisions.simplified()
	switch decisions.root {
	case reject:
		return nil, &SyntaxError{0, "the expression matches no packet"}
	case accept:
		return &Program{code: []bpf.RawInstruction{{Op: classRet | sourceK, K: snaplen}}}, nil
	}
	e := &emitter{pool: g.pool, graph: decisions}
	blocks := e.blocks()
	if e.full {
		return nil, &SyntaxError{0, "the arithmetic is too deeply nested"}
	}
	code := assemble(merged(blocks), snaplen)
	if code == nil {
		return nil, &SyntaxError{0, fmt.Sprintf("the program has more than %d instructions", maxInstructions)}
	}
	return &Program{code: code, vlan: g.vlan}, nil
}
