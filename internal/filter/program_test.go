package filter

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

func compile(t testing.TB, expr string, link uint32) *Program {
	t.Helper()
	p, err := Compile(expr, link, 0)
	if err != nil {
		t.Fatalf("%.80s: %v", expr, err)
	}
	return p
}

// TestMatch_likeVM runs programs of Compile and of tcpdump in x/net's machine
// too, on the packets whose length on the wire it can know.
func TestMatch_likeVM(t *testing.T) {
	ps := packets(linkEthernet, 500)
	for _, g := range readGolden(t) {
		if g.refusal != "" {
			continue
		}
		for _, p := range []*Program{readProgram(t, g.program), compile(t, g.expr, g.link)} {
			vm := machine(p)
			if vm == nil {
				continue
			}
			for _, packet := range ps {
				if got, want := p.Match(packet.data, len(packet.data)), vmMatch(t, vm, packet.data); got != want {
					t.Fatalf("%s: %v, machine %v, for %x\n%s", g.expr, got, want, packet.data, p)
				}
			}
		}
	}
}

// machine is the program in x/net's interpreter, nil if that refuses it, or
// would fail to run it (neg), or would run it wrongly (ldx #pktlen, which it
// takes for ld #pktlen).
func machine(p *Program) *bpf.VM {
	if slices.ContainsFunc(p.code, func(in bpf.RawInstruction) bool { return in.Op == classLdx|modeLen }) {
		return nil
	}
	code, ok := bpf.Disassemble(p.Raw())
	if !ok || slices.Contains(code, bpf.Instruction(bpf.NegateA{})) {
		return nil
	}
	vm, err := bpf.NewVM(code)
	if err != nil {
		return nil
	}
	return vm
}

func vmMatch(t testing.TB, vm *bpf.VM, data []byte) bool {
	n, err := vm.Run(data)
	if err != nil {
		t.Fatal(err)
	}
	return n != 0
}

func TestMatch_doesNotAllocate(t *testing.T) {
	p := compile(t, "tcp port 443 or vlan and ip[2:2] + 14 > len", linkEthernet)
	ps := packets(linkEthernet, 100)
	if n := testing.AllocsPerRun(10, func() {
		for _, q := range ps {
			p.Match(q.data, q.wire)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRaw_isCopy: what a caller does to the instructions is not done to the
// program.
func TestRaw_isCopy(t *testing.T) {
	p := compile(t, "tcp", linkEthernet)
	before := p.text()
	clear(p.Raw())
	if p.text() != before {
		t.Error("the program changed with the copy")
	}
}

func TestCompile_snaplen(t *testing.T) {
	for snaplen, want := range map[int]uint32{96: 96, 0: 262144, -1: 262144} {
		p, err := Compile("", linkEthernet, snaplen)
		if err != nil || p.Raw()[0].K != want {
			t.Errorf("snaplen %d: %v %v", snaplen, p, err)
		}
	}
}

func TestCompile_VLAN(t *testing.T) {
	for expr, want := range map[string]bool{"tcp": false, "vlan": true, "ip or vlan 5": true, "ether proto 0x8100": false} {
		if got := compile(t, expr, linkEthernet).VLAN(); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
}

// TestCompile_nullEitherByteOrder: the capture does not say which machine
// wrote the address family.
func TestCompile_nullEitherByteOrder(t *testing.T) {
	p := compile(t, "ip6", linkNull)
	for _, family := range []string{"\x1e\x00\x00\x00", "\x00\x00\x00\x18", "\x1c\x00\x00\x00"} {
		if !p.Match([]byte(family), 4) {
			t.Errorf("%x is not IPv6", family)
		}
	}
	if p.Match([]byte("\x02\x00\x00\x00"), 4) {
		t.Error("AF_INET is IPv6")
	}
}

// TestCompile_long: a program whose jumps do not fit their eight bits means
// what its parts mean.
func TestCompile_long(t *testing.T) {
	var terms []string
	var parts []*Program
	for i := range 60 {
		port := []string{"22", "53", "443", "8040"}[i/15]
		term := "(net 10." + strconv.Itoa(i) + ".0.0/16 and not port " + port + ")"
		terms = append(terms, term)
		parts = append(parts, compile(t, term, linkEthernet))
	}
	long := compile(t, strings.Join(terms, " or "), linkEthernet)
	for _, q := range packets(linkEthernet, 3000) {
		if len(q.data) < q.wire {
			continue // the order of the loads may decide
		}
		want := slices.ContainsFunc(parts, func(p *Program) bool { return p.Match(q.data, q.wire) })
		if got := long.Match(q.data, q.wire); got != want {
			t.Fatalf("%v, the parts say %v, for %x", got, want, q.data)
		}
	}
}

// TestCompile_farJump: the first jump to the end is as long as the list, from
// the longest that fits a conditional jump to the shortest that does not.
func TestCompile_farJump(t *testing.T) {
	far := func(in bpf.RawInstruction) bool { return in.Op == classJump|jumpAlways }
	first := true
	for n := 250; n < 262; n++ {
		var list []string
		for i := range n {
			list = append(list, strconv.Itoa(i))
		}
		p := compile(t, "ether[0] = "+strings.Join(list, " or ether[0] = "), linkEthernet)
		for b := range 256 {
			if got := p.Match([]byte{byte(b)}, 1); got != (b < n) {
				t.Errorf("%d of %d: %v", b, n, got)
			}
		}
		if i := slices.IndexFunc(p.code, far); i >= 0 && first {
			first = false
			// Without the jump at i, the end would be one nearer.
			if reach := len(p.code) - 2 - i - 1; reach != farthest+1 {
				t.Errorf("the first far jump is with %d in the list, for a reach of %d", n, reach)
			}
		}
	}
}

// TestCompile_farJumps: of one step, the jump to accept is as far as a
// conditional jump reaches when that to reject already needs another one, which
// comes in between.
func TestCompile_farJumps(t *testing.T) {
	list := "ether[0] = 0"
	for n := 1; n < 240; n++ {
		list += " or ether[0] = " + strconv.Itoa(n)
	}
	for n := 240; n < 262; n++ {
		p := compile(t, "ether[1] = 1 and not ether[2] = 2 or (ether[1] = 3 and ("+list+"))", linkEthernet)
		for _, c := range []struct {
			data []byte
			want bool
		}{
			{[]byte{0, 1, 0}, true}, {[]byte{0, 1, 2}, false}, {[]byte{0, 3}, true}, {[]byte{byte(n - 1), 3}, true}, {[]byte{255, 3}, n > 255}, {[]byte{0, 0}, false},
		} {
			if got := p.Match(c.data, len(c.data)); got != c.want {
				t.Errorf("%d in the list: %v for %v", n, got, c.data)
			}
		}
		list += " or ether[0] = " + strconv.Itoa(n)
	}
}

func BenchmarkMatch_tcpPort443(b *testing.B) { benchmarkMatch(b, "tcp port 443") }
func BenchmarkMatch_twoHosts(b *testing.B)   { benchmarkMatch(b, "host 10.0.0.1 or 10.0.0.2") }

func benchmarkMatch(b *testing.B, expr string) {
	p := compile(b, expr, linkEthernet)
	tcp := slices.DeleteFunc(packets(linkEthernet, 4096), func(q packet) bool {
		return len(q.data) < 60 || q.data[12] != 8 || q.data[13] != 0 || q.data[23] != 6
	})
	b.Run("raw", func(b *testing.B) {
		for i := range b.N {
			q := &tcp[i%len(tcp)]
			p.Match(q.data, q.wire)
		}
	})
	b.Run("xnet", func(b *testing.B) {
		vm := machine(p)
		for i := range b.N {
			_, _ = vm.Run(tcp[i%len(tcp)].data)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		compile(b, "host 10.0.0.1 and tcp port 443", linkEthernet)
	}
}
