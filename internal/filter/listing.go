package filter

import (
	"fmt"
	"strings"

	"golang.org/x/net/bpf"
)

// An instruction is how an opcode is listed: mnemonic and operand, of which
// the verb, if any, shows k.
type instruction struct{ name, operand string }

// instructions are the opcodes of classic BPF, listed as libpcap's bpf_image.c
// does. What is not here is not an instruction.
var instructions = func() map[uint16]instruction {
	m := map[uint16]instruction{
		classLd | modeImm:             {"ld", "#%#x"},
		classLd | modeLen:             {"ld", "#pktlen"},
		classLd | modeMem:             {"ld", "M[%d]"},
		classLdx | modeImm:            {"ldx", "#%#x"},
		classLdx | modeLen:            {"ldx", "#pktlen"},
		classLdx | modeMem:            {"ldx", "M[%d]"},
		classLdx | modeMsh | sizeByte: {"ldxb", "4*([%d]&0xf)"},
		classSt:                       {"st", "M[%d]"},
		classStx:                      {"stx", "M[%d]"},
		classALU | aluNeg:             {"neg", ""},
		classJump | jumpAlways:        {"ja", "%d"},
		classRet | sourceK:            {"ret", "#%d"},
		classRet | retA:               {"ret", ""},
		classMisc | tax:               {"tax", ""},
		classMisc | txa:               {"txa", ""},
	}
	for size, suffix := range map[uint16]string{sizeWord: "", sizeHalf: "h", sizeByte: "b"} {
		m[classLd|modeAbs|size] = instruction{"ld" + suffix, "[%d]"}
		m[classLd|modeInd|size] = instruction{"ld" + suffix, "[x + %d]"}
	}
	for op, name := range map[uint16]string{
		aluAdd: "add", aluSub: "sub", aluMul: "mul", aluDiv: "div", aluMod: "mod",
		aluAnd: "and", aluOr: "or", aluXor: "xor", aluLsh: "lsh", aluRsh: "rsh",
	} {
		k := "#%d"
		if op == aluAnd || op == aluOr || op == aluXor {
			k = "#%#x"
		}
		m[classALU|op|sourceK] = instruction{name, k}
		m[classALU|op|sourceX] = instruction{name, "x"}
	}
	for op, name := range map[uint16]string{jumpEq: "jeq", jumpGt: "jgt", jumpGe: "jge", jumpSet: "jset"} {
		m[classJump|op|sourceK] = instruction{name, "#%#x"}
		m[classJump|op|sourceX] = instruction{name, "x"}
	}
	return m
}()

// listing is one line for the instruction with an index.
func listing(index int, in bpf.RawInstruction) string {
	form := instructions[in.Op]
	operand := form.operand
	switch {
	case in.Op == classJump|jumpAlways:
		operand = fmt.Sprint(index + 1 + int(in.K))
	case form.operand == "#%#x":
		operand = fmt.Sprintf(form.operand, in.K)
	case strings.Contains(form.operand, "%"):
		operand = fmt.Sprintf(form.operand, int32(in.K))
	}
	if isConditional(in.Op) {
		return fmt.Sprintf("(%03d) %-8s %-16s jt %d\tjf %d", index, form.name, operand, index+1+int(in.Jt), index+1+int(in.Jf))
	}
	return fmt.Sprintf("(%03d) %-8s %s", index, form.name, operand)
}

func isConditional(op uint16) bool { return op&7 == classJump && op != classJump|jumpAlways }
