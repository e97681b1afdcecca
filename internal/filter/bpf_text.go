package filter

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// ReadBPF reads a program as `tcpdump -ddd` writes it: a line with the number
// of instructions, then a line with code, jt, jf and k for each. It refuses,
// with the number of the line, what the Linux kernel would refuse. The program
// fits the link type that tcpdump was given, and no other.
func ReadBPF(r io.Reader) (*Program, error) {
	lines := bufio.NewScanner(r)
	line := 0
	next := func() (fields []uint32, err error) {
		line++
		if !lines.Scan() {
			return nil, cmp.Or(lines.Err(), io.ErrUnexpectedEOF)
		}
		return numbers(lines.Text())
	}
	fail := func(err error) (*Program, error) { return nil, fmt.Errorf("BPF program, line %d: %w", line, err) }

	head, err := next()
	switch {
	case err != nil:
		return fail(err)
	case len(head) != 1 || head[0] < 1 || head[0] > maxInstructions:
		return fail(fmt.Errorf("expected the number of instructions, 1 to %d, as tcpdump -ddd writes it", maxInstructions))
	}
	code := make([]bpf.RawInstruction, head[0])
	for i := range code {
		f, err := next()
		switch {
		case err != nil:
			return fail(err)
		case len(f) != 4 || f[0] > 0xffff || f[1] > 0xff || f[2] > 0xff:
			return fail(errors.New("expected an instruction: code jt jf k"))
		}
		code[i] = bpf.RawInstruction{Op: uint16(f[0]), Jt: uint8(f[1]), Jf: uint8(f[2]), K: f[3]}
	}
	for lines.Scan() {
		line++
		if strings.TrimSpace(lines.Text()) != "" {
			return fail(fmt.Errorf("more than the %d instructions announced", len(code)))
		}
	}
	if err := lines.Err(); err != nil {
		return fail(err)
	}
	if at, err := validate(code); err != nil {
		line = at + 2
		return fail(err)
	}
	return &Program{code: code}, nil
}

// numbers reads a line of unsigned decimal numbers.
func numbers(line string) ([]uint32, error) {
	var ns []uint32
	for field := range strings.FieldsSeq(line) {
		n, err := strconv.ParseUint(field, 10, 32)
		if err != nil || len(ns) == 4 {
			return nil, errors.New("expected up to four unsigned numbers, as tcpdump -ddd writes them")
		}
		ns = append(ns, uint32(n))
	}
	return ns, nil
}
