package filter

// The instruction set of classic BPF as in the kernel's
// include/uapi/linux/bpf_common.h: an opcode is a class, and for loads a size
// and an addressing mode, for arithmetic and jumps an operation and a source.
const (
	classLd   = 0x00
	classLdx  = 0x01
	classSt   = 0x02
	classStx  = 0x03
	classALU  = 0x04
	classJump = 0x05
	classRet  = 0x06
	classMisc = 0x07

	sizeWord = 0x00
	sizeHalf = 0x08
	sizeByte = 0x10

	modeImm = 0x00
	modeAbs = 0x20
	modeInd = 0x40
	modeMem = 0x60
	modeLen = 0x80
	modeMsh = 0xa0

	aluAdd = 0x00
	aluSub = 0x10
	aluMul = 0x20
	aluDiv = 0x30
	aluOr  = 0x40
	aluAnd = 0x50
	aluLsh = 0x60
	aluRsh = 0x70
	aluNeg = 0x80
	aluMod = 0x90
	aluXor = 0xa0

	jumpAlways = 0x00
	jumpEq     = 0x10
	jumpGt     = 0x20
	jumpGe     = 0x30
	jumpSet    = 0x40

	sourceK = 0x00
	sourceX = 0x08

	retA = 0x10 // with classRet: return the accumulator
	tax  = 0x00 // with classMisc
	txa  = 0x80
)

// scratchWords is the number of memory words a program has.
const scratchWords = 16

// maxInstructions is what the kernel takes (BPF_MAXINSNS).
const maxInstructions = 4096

// invalidOperand reports whether the kernel refuses the constant k as the
// operand of an operation: a divisor of zero, a shift by the whole word.
func invalidOperand(op, k uint32) bool {
	return k == 0 && (op == aluDiv || op == aluMod) || k > 31 && (op == aluLsh || op == aluRsh)
}

// compute is one arithmetic operation; the divisor is not zero. A shift by 32
// or more gives 0, as in libpcap.
func compute(op, a, b uint32) uint32 {
	switch op {
	case aluAdd:
		return a + b
	case aluSub:
		return a - b
	case aluMul:
		return a * b
	case aluDiv:
		return a / b
	case aluMod:
		return a % b
	case aluAnd:
		return a & b
	case aluOr:
		return a | b
	case aluXor:
		return a ^ b
	case aluLsh:
		return a << b
	default:
		return a >> b
	}
}
