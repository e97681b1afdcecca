package kernel

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The places at which a host loses segments.
var (
	leaving  = nftables.ChainHookOutput // the tap does not see them
	arriving = nftables.ChainHookInput  // the tap has seen them
)

// A kind is a set of segments, by their flags and whether they carry payload.
type kind struct {
	of, set reassembly.Flags
	empty   bool
}

var (
	anything = kind{}
	anySYN   = kind{of: reassembly.SYN, set: reassembly.SYN}
	synACK   = kind{of: reassembly.SYN | reassembly.ACK, set: reassembly.SYN | reassembly.ACK}
	anyACK   = kind{of: reassembly.ACK, set: reassembly.ACK}
	anyFIN   = kind{of: reassembly.FIN, set: reassembly.FIN}
	anyRST   = kind{of: reassembly.RST, set: reassembly.RST}
	pureACK  = kind{of: reassembly.SYN | reassembly.FIN | reassembly.RST | reassembly.ACK, set: reassembly.ACK, empty: true}
)

// has reports whether the segment is of the kind.
func (k kind) has(seg *reassembly.Segment) bool {
	return seg.Flags&k.of == k.set && (!k.empty || seg.Len == 0)
}

// A loss is a fault of the network, until it is repaired.
type loss struct {
	h     *host
	conn  *nftables.Conn
	table *nftables.Table
}

// loses drops segments of a kind on their way out of the host or into it.
func (h *host) loses(at *nftables.ChainHook, k kind) *loss {
	h.t.Helper()
	return h.drop(at, k)
}

// losesFirst drops the first n segments of a kind.
func (h *host) losesFirst(n uint32, at *nftables.ChainHook, k kind) *loss {
	h.t.Helper()
	return h.drop(at, k, bucket(n, false))
}

// losesAfter drops all segments of a kind except the first n.
func (h *host) losesAfter(n uint32, at *nftables.ChainHook, k kind) *loss {
	h.t.Helper()
	return h.drop(at, k, bucket(n, true))
}

// bucket matches n times, or after n times; it fills again in weeks.
func bucket(n uint32, over bool) expr.Any {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: 1, Unit: expr.LimitTimeWeek, Burst: n, Over: over}
}

// rejectsFirst makes a firewall answer the first n arriving segments of a kind with
// RST, with the host's address.
func (h *host) rejectsFirst(n uint32, k kind) *loss {
	h.t.Helper()
	return h.change(arriving, k, bucket(n, false), &expr.Reject{Type: unix.NFT_REJECT_TCP_RST})
}

// fromPort matches the segments from a port.
func fromPort(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, port)},
	}
}

func (h *host) drop(at *nftables.ChainHook, k kind, which ...expr.Any) *loss {
	h.t.Helper()
	return h.change(at, k, append(which, &expr.Verdict{Kind: expr.VerdictDrop})...)
}

// change changes the segments of a kind.
func (h *host) change(at *nftables.ChainHook, k kind, what ...expr.Any) *loss {
	h.t.Helper()
	conn, err := nftables.New(nftables.WithNetNSFd(int(h.ns)))
	must(h.t, err)
	h.faults++
	table := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: fmt.Sprint("fault", h.faults)})
	chain := conn.AddChain(&nftables.Chain{
		Name: "drop", Table: table, Type: nftables.ChainTypeFilter, Hooknum: at, Priority: nftables.ChainPriorityFilter,
	})
	conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: append(matching(k), what...)})
	must(h.t, conn.Flush())
	return &loss{h, conn, table}
}

// repair ends the loss.
func (l *loss) repair() {
	l.h.t.Helper()
	l.conn.DelTable(l.table)
	must(l.h.t, l.conn.Flush())
}

// matching matches the segments of a kind.
func matching(k kind) []expr.Any {
	const (
		totalLength = 2  // offset in the IPv4 header (RFC 791 3.1)
		flags       = 13 // offset in the TCP header (RFC 9293 3.1)
		headers     = 20 + 60
	)
	rule := []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: flags, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{byte(k.of)}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(k.set)}},
	}
	if k.empty { // or nearly: no case sends less payload than options take
		rule = append(rule,
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: totalLength, Len: 2},
			&expr.Cmp{Op: expr.CmpOpLte, Register: 1, Data: binary.BigEndian.AppendUint16(nil, headers)})
	}
	return rule
}
