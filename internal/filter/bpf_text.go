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
	var code []bpf.RawInstruction
	count, line := 0, 0
	fail := func(err error) (*Program, error) { return nil, fmt.Errorf("BPF program, line %d: %w", line, err) }
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line++
		f, err := numbers(lines.Text())
		switch {
		case err != nil:
			return fail(err)
		case line == 1 && (len(f) != 1 || f[0] < 1 || f[0] > maxInstructions):
			return fail(fmt.Errorf("expected the number of instructions, 1 to %d, as tcpdump -ddd writes it", maxInstructions))
		case line == 1:
			count = int(f[0])
		case len(code) == count && len(f) > 0:
			return fail(fmt.Errorf("more than the %d instructions announced", count))
		case len(code) == count: // an empty line at the end
		case len(f) != 4 || f[0] > 0xffff || f[1] > 0xff || f[2] > 0xff:
			return fail(errors.New("expected an instruction: code jt jf k"))
		default:
			code = append(code, bpf.RawInstruction{Op: uint16(f[0]), Jt: uint8(f[1]), Jf: uint8(f[2]), K: f[3]})
		}
	}
	if line++; lines.Err() != nil || count == 0 || len(code) < count {
		return fail(cmp.Or(lines.Err(), io.ErrUnexpectedEOF))
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

// validate refuses what the kernel's bpf_check_classic (net/core/filter.c)
// refuses: unknown instructions, constant operands that cannot be computed
// with, jumps out of the program or back, scratch words that do not exist or
// may not have been stored to, and an end that is not a return. It returns the
// index of the instruction at fault.
func validate(code []bpf.RawInstruction) (int, error) {
	if len(code) == 0 || len(code) > maxInstructions {
		return 0, fmt.Errorf("a program has 1 to %d instructions, not %d", maxInstructions, len(code))
	}
	const all = 1<<scratchWords - 1
	missing := make([]uint32, len(code)) // scratch words not stored to on some way to an instruction
	missing[0] = all
	for i, in := range code {
		class := in.Op & 7
		isStore := class == classSt || class == classStx
		isScratchLoad := class <= classLdx && in.Op&^1 == classLd|modeMem
		skips := []uint32{0}
		switch {
		case !isInstruction(in.Op):
			return i, fmt.Errorf("unknown instruction %d", in.Op)
		case class == classALU && in.Op&sourceX == 0 && invalidOperand(uint32(in.Op&0xf0), in.K):
			return i, fmt.Errorf("division or shift by %d", in.K)
		case (isStore || isScratchLoad) && in.K >= scratchWords:
			return i, fmt.Errorf("scratch word %d of %d", in.K, scratchWords)
		case isScratchLoad && missing[i]&(1<<in.K) != 0:
			return i, fmt.Errorf("scratch word %d is read and may not have been written", in.K)
		case class == classRet:
			continue
		case i == len(code)-1:
			return i, errors.New("the last instruction is not a return")
		case in.Op == classJump|jumpAlways:
			skips = []uint32{in.K}
		case class == classJump:
			skips = []uint32{uint32(in.Jt), uint32(in.Jf)}
		}
		after := missing[i]
		if isStore {
			after &^= 1 << in.K
		}
		for _, skip := range skips {
			if skip >= uint32(len(code)-i-1) {
				return i, errors.New("a jump beyond the end or back")
			}
			missing[i+1+int(skip)] |= after
		}
	}
	return 0, nil
}

// isInstruction reports whether the kernel has an instruction with this code.
func isInstruction(op uint16) bool {
	switch op {
	case classLd | modeImm, classLd | modeLen, classLd | modeMem, classLdx | modeImm, classLdx | modeLen, classLdx | modeMem,
		classLdx | modeMsh | sizeByte, classSt, classStx, classALU | aluNeg, classJump | jumpAlways,
		classRet | sourceK, classRet | retA, classMisc | tax, classMisc | txa:
		return true
	}
	switch operation := op & 0xfff0; op & 7 {
	case classLd:
		mode, size := op&0xffe0, op&0x18
		return (mode == modeAbs || mode == modeInd) && size <= sizeByte
	case classALU:
		return operation <= aluXor && operation != aluNeg
	case classJump:
		return operation >= jumpEq && operation <= jumpSet
	}
	return false
}
