package filter

import (
	"encoding/binary"
	"slices"

	"golang.org/x/net/bpf"
)

// A Program is a valid classic BPF program. It may be used by several
// goroutines at once.
type Program struct {
	code []bpf.RawInstruction
	vlan bool
}

// Match reports whether the program accepts a packet: data is what was
// captured of it, wire its length on the wire. A program that reads beyond
// data rejects the packet, as in libpcap and the kernel; so does one that asks
// for the kernel's metadata (SKF_AD_OFF), which a file does not have.
func (p *Program) Match(data []byte, wire int) bool {
	return run(p.code, data, uint32(wire)) != 0
}

// Raw is a copy of the instructions, to be attached to a socket.
func (p *Program) Raw() []bpf.RawInstruction { return slices.Clone(p.code) }

// VLAN reports whether the program was compiled from an expression that looks
// for 802.1Q tags in the packet. Linux has taken the outer tag out of a live
// packet before a socket filter runs, so that such a program must not be
// attached, but run on packets whose tag was put back.
func (p *Program) VLAN() bool { return p.vlan }

// run interprets a valid program on a packet of which data was captured and
// returns what the program does: 0 to reject. It does what libpcap's
// pcap_filter (bpf_filter.c) does, faster than x/net's bpf.VM because it works
// on the raw instructions.
func run(code []bpf.RawInstruction, data []byte, wire uint32) uint32 {
	var a, x uint32
	var scratch [scratchWords]uint32
	size := uint32(len(data))
	for pc := 0; pc < len(code); pc++ {
		in := &code[pc]
		k := in.K
		switch in.Op {
		case classRet | sourceK:
			return k
		case classRet | retA:
			return a

		case classLd | modeAbs | sizeWord:
			if k > size || size-k < 4 {
				return 0
			}
			a = binary.BigEndian.Uint32(data[k:])
		case classLd | modeAbs | sizeHalf:
			if k > size || size-k < 2 {
				return 0
			}
			a = uint32(binary.BigEndian.Uint16(data[k:]))
		case classLd | modeAbs | sizeByte:
			if k >= size {
				return 0
			}
			a = uint32(data[k])
		case classLd | modeInd | sizeWord:
			if k > size || x > size-k || size-k-x < 4 {
				return 0
			}
			a = binary.BigEndian.Uint32(data[k+x:])
		case classLd | modeInd | sizeHalf:
			if k > size || x > size-k || size-k-x < 2 {
				return 0
			}
			a = uint32(binary.BigEndian.Uint16(data[k+x:]))
		case classLd | modeInd | sizeByte:
			if k >= size || x >= size-k {
				return 0
			}
			a = uint32(data[k+x])
		case classLd | modeLen:
			a = wire
		case classLd | modeImm:
			a = k
		case classLd | modeMem:
			a = scratch[k%scratchWords]

		case classLdx | modeMsh | sizeByte:
			if k >= size {
				return 0
			}
			x = uint32(data[k]&0xf) << 2
		case classLdx | modeLen:
			x = wire
		case classLdx | modeImm:
			x = k
		case classLdx | modeMem:
			x = scratch[k%scratchWords]

		case classSt:
			scratch[k%scratchWords] = a
		case classStx:
			scratch[k%scratchWords] = x

		case classJump | jumpAlways:
			pc += int(k)
		case classJump | jumpEq | sourceK:
			pc += skip(in, a == k)
		case classJump | jumpGt | sourceK:
			pc += skip(in, a > k)
		case classJump | jumpGe | sourceK:
			pc += skip(in, a >= k)
		case classJump | jumpSet | sourceK:
			pc += skip(in, a&k != 0)
		case classJump | jumpEq | sourceX:
			pc += skip(in, a == x)
		case classJump | jumpGt | sourceX:
			pc += skip(in, a > x)
		case classJump | jumpGe | sourceX:
			pc += skip(in, a >= x)
		case classJump | jumpSet | sourceX:
			pc += skip(in, a&x != 0)

		case classALU | aluNeg:
			a = -a
		case classMisc | tax:
			x = a
		case classMisc | txa:
			a = x

		default: // the rest of arithmetic
			op := uint32(in.Op & 0xf0)
			if in.Op&sourceX != 0 {
				k = x
				if k == 0 && (op == aluDiv || op == aluMod) {
					return 0
				}
			}
			a = compute(op, a, k)
		}
	}
	return 0
}

// skip is how many instructions a conditional jump passes.
func skip(in *bpf.RawInstruction, holds bool) int {
	if holds {
		return int(in.Jt)
	}
	return int(in.Jf)
}
