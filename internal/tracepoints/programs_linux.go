package tracepoints

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Where things lie in a record, which the programs build on their stack and copy into the ring.
const (
	recordTime     = 0   // CLOCK_MONOTONIC, nanoseconds
	recordKind     = 8   // 4 bytes, as the next
	recordReason   = 12  // or the error of what was sent again
	recordSeq      = 16  // and end, of struct tcp_skb_cb
	recordHeaders  = 24  // 4 bytes: whether there are any
	recordPort     = 28  // 2 bytes: the source port of a closed socket, in network order
	recordSock     = 32  // struct sock_common
	recordIP       = 160 // IP header
	recordTCP      = 200 // TCP header
	recordSize     = 224
	scratch        = 240 // below the record, in the stack
	sockSize       = recordIP - recordSock
	ipSize         = recordTCP - recordIP
	tcpSize        = 20
	protocolOffset = 9 // in IPv4, and 6 in IPv6
	nextHeader     = 6
	protocolTCP    = 6
)

// A program copies what one tracepoint says.
type program struct {
	tracepoint   string
	instructions asm.Instructions
}

// programs are those for a kernel, which report in records, and count in lost what finds no
// room there.
func programs(l *layout, records, lost *ebpf.Map) []program {
	send := func(kind Kind, body ...asm.Instructions) asm.Instructions {
		all := begin(kind)
		for _, b := range body {
			all = append(all, b...)
		}
		return append(all, end(records, lost)...)
	}
	retransmit := asm.Instructions{argument(asm.R7, 0), argument(asm.R8, 1)}
	if l.retransmitHasError {
		retransmit = append(retransmit, argument(asm.R9, 2), store(recordReason, asm.R9))
	}
	retransmit = append(retransmit, readKernel(recordSock, sockSize, asm.R7, 0)...)
	retransmit = append(retransmit, readKernel(recordSeq, 8, asm.R8, int32(l.skb.control))...)
	return []program{
		{"tcp_send_reset", send(SentReset,
			asm.Instructions{argument(asm.R7, 0), argument(asm.R8, 1), argument(asm.R9, 2), store(recordReason, asm.R9), asm.JEq.Imm(asm.R7, 0, "segment")},
			readKernel(recordSock, sockSize, asm.R7, 0),
			readKernel(recordPort, 2, asm.R7, int32(l.boundPort)),
			asm.Instructions{asm.JEq.Imm(asm.R8, 0, "submit").WithSymbol("segment")},
			headers(l, "submit"),
		)},
		{"kfree_skb", send(Dropped,
			asm.Instructions{
				argument(asm.R8, 0), argument(asm.R9, 2),
				asm.JLE.Imm(asm.R9, int32(l.unspecified), "exit"), asm.JGT.Imm(asm.R9, 0xffff, "exit"), // of wireless and the like
				store(recordReason, asm.R9),
			},
			headers(l, "exit"),
		)},
		{"tcp_retransmit_skb", send(Retransmitted, retransmit)},
		{"tcp_retransmit_synack", send(Retransmitted, asm.Instructions{argument(asm.R7, 1)}, readKernel(recordSock, sockSize, asm.R7, 0))},
	}
}

// at is the place in the stack of an offset in the record.
func at(offset int16) int16 { return offset - recordSize }

func argument(to asm.Register, n int16) asm.Instruction {
	return asm.LoadMem(to, asm.R6, 8*n, asm.DWord)
}

func store(offset int16, from asm.Register) asm.Instruction {
	return asm.StoreMem(asm.RFP, at(offset), from, asm.Word)
}

// begin makes an empty record.
func begin(kind Kind) asm.Instructions {
	all := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R0, 0)}
	for offset := int16(0); offset < recordSize; offset += 8 {
		all = append(all, asm.StoreMem(asm.RFP, at(offset), asm.R0, asm.DWord))
	}
	return append(all,
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.RFP, at(recordTime), asm.R0, asm.DWord),
		asm.StoreImm(asm.RFP, at(recordKind), int64(kind), asm.Word),
	)
}

// readKernel copies size bytes, from an offset beyond what a register points at.
func readKernel(to int16, size int32, from asm.Register, offset int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.RFP), asm.Add.Imm(asm.R1, int32(at(to))),
		asm.Mov.Imm(asm.R2, size),
		asm.Mov.Reg(asm.R3, from), asm.Add.Imm(asm.R3, offset),
		asm.FnProbeReadKernel.Call(),
	}
}

// headers copies the headers of the packet in R8, if it is one of TCP, and otherwise jumps.
// IPv6 with extension headers counts as another protocol.
func headers(l *layout, otherwise string) asm.Instructions {
	const temporary = recordSize - scratch // below the record
	all := asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, at(temporary), asm.R0, asm.DWord),
		asm.StoreMem(asm.RFP, at(temporary+8), asm.R0, asm.DWord),
	}
	all = append(all, readKernel(temporary, 8, asm.R8, int32(l.skb.head))...)
	all = append(all, readKernel(temporary+8, 2, asm.R8, int32(l.skb.network))...)
	all = append(all,
		asm.LoadMem(asm.R7, asm.RFP, at(temporary), asm.DWord),
		asm.LoadMem(asm.R9, asm.RFP, at(temporary+8), asm.Half),
		asm.Add.Reg(asm.R7, asm.R9),
	)
	all = append(all, readKernel(recordIP, ipSize, asm.R7, 0)...)
	all = append(all,
		asm.LoadMem(asm.R9, asm.RFP, at(recordIP), asm.Byte),
		asm.Mov.Reg(asm.R1, asm.R9), asm.RSh.Imm(asm.R1, 4),
		asm.JEq.Imm(asm.R1, 6, "ipv6"),
		asm.JNE.Imm(asm.R1, 4, otherwise),
		asm.And.Imm(asm.R9, 15), asm.LSh.Imm(asm.R9, 2),
		asm.LoadMem(asm.R1, asm.RFP, at(recordIP+protocolOffset), asm.Byte),
		asm.Ja.Label("tcp"),
		asm.Mov.Imm(asm.R9, ipSize).WithSymbol("ipv6"),
		asm.LoadMem(asm.R1, asm.RFP, at(recordIP+nextHeader), asm.Byte),
		asm.JNE.Imm(asm.R1, protocolTCP, otherwise).WithSymbol("tcp"),
		asm.Add.Reg(asm.R7, asm.R9),
		asm.StoreImm(asm.RFP, at(recordHeaders), 1, asm.Word),
	)
	return append(all, readKernel(recordTCP, tcpSize, asm.R7, 0)...)
}

// end copies the record into the ring.
func end(records, lost *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, records.FD()).WithSymbol("submit"),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, int32(at(0))),
		asm.Mov.Imm(asm.R3, recordSize),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnRingbufOutput.Call(),
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.StoreImm(asm.RFP, at(0), 0, asm.Word), // the only counter
		asm.LoadMapPtr(asm.R1, lost.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, int32(at(0))),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "exit"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("exit"),
		asm.Return(),
	}
}
