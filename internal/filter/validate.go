package filter

import (
	"fmt"

	"golang.org/x/net/bpf"
)

// validate refuses what the kernel's bpf_check_classic (net/core/filter.c)
// refuses: unknown instructions, constant operands that cannot be computed
// with, jumps out of the program or back, scratch words that do not exist or
// were not stored to, and an end that is not a return. It returns the index of
// the instruction at fault.
func validate(code []bpf.RawInstruction) (int, error) {
	if len(code) == 0 || len(code) > maxInstructions {
		return 0, fmt.Errorf("a program has 1 to %d instructions, not %d", maxInstructions, len(code))
	}
	for i, in := range code {
		if err := validateInstruction(in, len(code)-i-1); err != nil {
			return i, err
		}
	}
	if last := len(code) - 1; code[last].Op&7 != classRet {
		return last, fmt.Errorf("the last instruction is not a return")
	}
	return validateScratch(code)
}

// validateInstruction checks an instruction that rest others follow.
func validateInstruction(in bpf.RawInstruction, rest int) error {
	if _, ok := instructions[in.Op]; !ok {
		return fmt.Errorf("unknown instruction %d", in.Op)
	}
	class := in.Op & 7
	switch {
	case class == classALU && in.Op&sourceX == 0 && invalidOperand(uint32(in.Op&0xf0), in.K):
		return fmt.Errorf("%s by %d", instructions[in.Op].name, in.K)
	case usesScratch(in.Op) && in.K >= scratchWords:
		return fmt.Errorf("scratch word %d of %d", in.K, scratchWords)
	case in.Op == classJump|jumpAlways && in.K >= uint32(rest),
		isConditional(in.Op) && int(max(in.Jt, in.Jf)) >= rest:
		return fmt.Errorf("a jump beyond the end or back")
	}
	return nil
}

func usesScratch(op uint16) bool { return isStore(op) || isScratchLoad(op) }

func isStore(op uint16) bool { return op == classSt || op == classStx }

func isScratchLoad(op uint16) bool { return op == classLd|modeMem || op == classLdx|modeMem }

// validateScratch refuses a load of a scratch word that was not stored to on
// every way to the load.
func validateScratch(code []bpf.RawInstruction) (int, error) {
	const all = 1<<scratchWords - 1
	stored := make([]uint32, len(code)+1) // before an instruction
	for i := range stored[1:] {
		stored[i+1] = all
	}
	for i, in := range code {
		now := stored[i]
		switch {
		case isStore(in.Op):
			now |= 1 << in.K
		case isScratchLoad(in.Op) && now&(1<<in.K) == 0:
			return i, fmt.Errorf("scratch word %d is read and may not have been written", in.K)
		}
		for _, to := range successors(i, in) {
			stored[to] &= now
		}
	}
	return 0, nil
}

// successors are the instructions that may come after the one at i.
func successors(i int, in bpf.RawInstruction) []int {
	switch {
	case in.Op&7 == classRet:
		return nil
	case in.Op == classJump|jumpAlways:
		return []int{i + 1 + int(in.K)}
	case isConditional(in.Op):
		return []int{i + 1 + int(in.Jt), i + 1 + int(in.Jf)}
	}
	return []int{i + 1}
}
