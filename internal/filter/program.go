package filter

import (
	"slices"
	"strings"

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

// String lists the instructions as tcpdump -d does, with a line for each.
func (p *Program) String() string {
	var b strings.Builder
	for i, in := range p.code {
		b.WriteString(listing(i, in))
		b.WriteByte('\n')
	}
	return b.String()
}
