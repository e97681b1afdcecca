package filter

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/tcpdump.txt with the installed tcpdump")

const goldenFile = "testdata/tcpdump.txt"

// A golden is what tcpdump makes of an expression: the program as -ddd writes
// it, or why it refuses. In the file it is a paragraph: `link N: EXPR`, then
// the program or `refused: WHY`. To add one, write its first line and run the
// test with -update.
type golden struct {
	link             uint32
	expr             string
	program, refusal string
}

func readGolden(t testing.TB) []golden {
	data, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var gs []golden
	for paragraph := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		head, body, _ := strings.Cut(paragraph, "\n")
		var g golden
		if _, err := fmt.Sscanf(head, "link %d:", &g.link); err != nil {
			t.Fatalf("%s: %q: %v", goldenFile, head, err)
		}
		_, g.expr, _ = strings.Cut(head, ": ")
		if why, refused := strings.CutPrefix(body, "refused: "); refused {
			g.refusal = why
		} else {
			g.program = body
		}
		gs = append(gs, g)
	}
	return gs
}

func writeGolden(t *testing.T, gs []golden) {
	var b strings.Builder
	for i, g := range gs {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "link %d: %s\n%s", g.link, g.expr, g.program)
		if g.refusal != "" {
			fmt.Fprintf(&b, "refused: %s\n", g.refusal)
		}
	}
	if err := os.WriteFile(goldenFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readProgram reads what tcpdump -ddd wrote.
func readProgram(t *testing.T, text string) *Program {
	t.Helper()
	p, err := ReadBPF(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// firstDifference is a packet on which two programs disagree, or nil.
func firstDifference(a, b *Program, ps []packet) *packet {
	for i, p := range ps {
		if a.Match(p.data, p.wire) != b.Match(p.data, p.wire) {
			return &ps[i]
		}
	}
	return nil
}

// TestTcpdump_agrees compares Compile with tcpdump: programs accept the same
// packets and are at most one instruction longer, and the same expressions are
// refused.
func TestTcpdump_agrees(t *testing.T) {
	gs := readGolden(t)
	if *update {
		o := newOracle(t)
		if o == nil {
			t.Fatal("tcpdump is not installed")
		}
		for i, g := range gs {
			gs[i].program, gs[i].refusal = o.compile(t, "-ddd", g.expr, g.link)
		}
		writeGolden(t, gs)
	}
	corpus := map[uint32][]packet{}
	for _, g := range gs {
		if corpus[g.link] == nil {
			corpus[g.link] = packets(canonicalLink(g.link), 4000)
		}
		ours, err := Compile(g.expr, g.link, 0)
		if (err != nil) != (g.refusal != "") {
			t.Errorf("link %d: %s: error %v, tcpdump says %q", g.link, g.expr, err, g.refusal)
		}
		if err != nil || g.refusal != "" {
			continue
		}
		theirs := readProgram(t, g.program)
		if p := firstDifference(ours, theirs, corpus[g.link]); p != nil {
			t.Errorf("link %d: %s: we say %v for %d of %d bytes %x\nours\n%stcpdump's\n%s", g.link, g.expr,
				ours.Match(p.data, p.wire), len(p.data), p.wire, p.data, ours, theirs)
		}
		if len(ours.code) > len(theirs.code)+1 && g.link != linkNull {
			t.Errorf("link %d: %s: %d instructions where tcpdump has %d", g.link, g.expr, len(ours.code), len(theirs.code))
		}
	}
}

func canonicalLink(link uint32) uint32 {
	at, _ := layoutOf(link)
	return at.link
}
