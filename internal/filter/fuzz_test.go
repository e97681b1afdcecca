package filter

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// FuzzCompile: whatever the expression, an error or a program that the kernel
// would take.
func FuzzCompile(f *testing.F) {
	for _, g := range readGolden(f) {
		f.Add(g.expr, g.link)
	}
	f.Fuzz(func(t *testing.T, expr string, link uint32) {
		p, err := Compile(expr, link, 0)
		if err != nil {
			return
		}
		if at, err := validate(p.code); err != nil {
			t.Errorf("instruction %d: %v\n%s", at, err, p)
		}
	})
}

// text is the program as tcpdump -ddd writes it.
func (p *Program) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, len(p.code))
	for _, in := range p.code {
		fmt.Fprintln(&b, in.Op, in.Jt, in.Jf, in.K)
	}
	return b.String()
}

// String is the program in x/net's notation, for messages.
func (p *Program) String() string {
	var b strings.Builder
	code, _ := bpf.Disassemble(p.code)
	for i, in := range code {
		fmt.Fprintf(&b, "(%03d) %v\n", i, in)
	}
	return b.String()
}

// FuzzReadBPF: what is read is written back the same, and runs.
func FuzzReadBPF(f *testing.F) {
	for _, g := range readGolden(f)[:40] {
		f.Add(g.program)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadBPF(strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := ReadBPF(strings.NewReader(p.text()))
		if err != nil || again.text() != p.text() {
			t.Errorf("%v\n%s\nagain\n%s", err, p, again)
		}
		p.Match(make([]byte, 64), 64)
	})
}

// FuzzMatch: any valid program gives the verdict of x/net's machine. Eight
// bytes of the first argument are an instruction.
func FuzzMatch(f *testing.F) {
	data := packets(linkEthernet, 20)
	for i, expr := range []string{"tcp port 443", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420", "ip[8] * 3 - len > ip[2:2] / ip[8]"} {
		code, err := binary.Append(nil, binary.BigEndian, compile(f, expr, linkEthernet).code)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(code, data[i].data)
	}
	f.Fuzz(func(t *testing.T, program, data []byte) {
		code := make([]bpf.RawInstruction, len(program)/8)
		if _, err := binary.Decode(program, binary.BigEndian, code); err != nil {
			t.Fatal(err)
		}
		if _, err := validate(code); err != nil {
			return
		}
		p := &Program{code: code}
		vm := machine(p)
		if vm == nil {
			return // kernel metadata, and what x/net does not have
		}
		if got, want := p.Match(data, len(data)), vmMatch(t, vm, data); got != want {
			t.Errorf("%v, machine %v\n%s", got, want, p)
		}
	})
}
