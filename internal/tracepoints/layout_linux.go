package tracepoints

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// A layout is what the programs, and those who read what they copy, must know about this kernel.
type layout struct {
	skb struct{ head, network, protocol, control uint32 } // offsets in struct sk_buff

	// Offsets in struct sock_common.
	family, state, destination, source, destinationPort, sourcePort, destination6, source6 uint32
	boundPort                                                                              uint32 // in struct inet_sock: it stays when the socket has closed

	resetReasons, dropReasons map[uint32]string
	unspecified               uint32 // SKB_DROP_REASON_NOT_SPECIFIED: up to it, reasons say nothing
	retransmitHasError        bool   // tcp_retransmit_skb says whether it failed
}

// layoutOf reads the kernel's own description.
func layoutOf(spec *btf.Spec) (l layout, err error) {
	skb, common, inet := fields{spec: spec, name: "sk_buff"}, fields{spec: spec, name: "sock_common"}, fields{spec: spec, name: "inet_sock"}
	for _, f := range []struct {
		in   *fields
		name string
		at   *uint32
	}{
		{&skb, "head", &l.skb.head}, {&skb, "network_header", &l.skb.network}, {&skb, "protocol", &l.skb.protocol}, {&skb, "cb", &l.skb.control},
		{&common, "skc_family", &l.family}, {&common, "skc_state", &l.state}, {&common, "skc_daddr", &l.destination}, {&common, "skc_rcv_saddr", &l.source},
		{&common, "skc_dport", &l.destinationPort}, {&common, "skc_num", &l.sourcePort}, {&common, "skc_v6_daddr", &l.destination6}, {&common, "skc_v6_rcv_saddr", &l.source6},
		{&inet, "inet_sport", &l.boundPort},
	} {
		if *f.at, err = f.in.offset(f.name); err != nil {
			return l, err
		}
	}
	if l.resetReasons, err = reasons(spec, "sk_rst_reason", "SK_RST_REASON_"); err != nil {
		return l, errors.New("this kernel does not say why it sends a RST (Linux 6.10 does)")
	}
	if l.dropReasons, err = reasons(spec, "skb_drop_reason", "SKB_DROP_REASON_"); err != nil {
		return l, errors.New("this kernel does not say why it drops a segment (Linux 5.17 does)")
	}
	for n, name := range l.dropReasons {
		if name == "NOT_SPECIFIED" {
			l.unspecified = n
		}
	}
	if n := arguments(spec, "tcp_send_reset"); n != 3 {
		return l, fmt.Errorf("the tracepoint tcp_send_reset of this kernel has %d arguments, not 3", n)
	}
	l.retransmitHasError = arguments(spec, "tcp_retransmit_skb") >= 3
	return l, nil
}

// fields finds where the fields of a structure lie.
type fields struct {
	spec *btf.Spec
	name string
	typ  *btf.Struct
}

func (f *fields) offset(name string) (uint32, error) {
	if f.typ == nil {
		if err := f.spec.TypeByName(f.name, &f.typ); err != nil {
			return 0, err
		}
	}
	if at, found := memberOf(f.typ.Members, name); found {
		return at, nil
	}
	return 0, fmt.Errorf("struct %s of this kernel has no %s", f.name, name)
}

// memberOf is the offset of a member in bytes, also inside unnamed structures.
func memberOf(members []btf.Member, name string) (uint32, bool) {
	for _, m := range members {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if m.Name == "" {
			if at, found := memberOf(inner, name); found {
				return m.Offset.Bytes() + at, true
			}
		}
	}
	return 0, false
}

// reasons are the names of an enumeration, without what they all begin with.
func reasons(spec *btf.Spec, name, prefix string) (map[uint32]string, error) {
	var e *btf.Enum
	if err := spec.TypeByName(name, &e); err != nil {
		return nil, err
	}
	all := map[uint32]string{}
	for _, v := range e.Values {
		text, _ := strings.CutPrefix(v.Name, prefix)
		all[uint32(v.Value)] = strings.TrimPrefix(text, "SKB_") // SKB_CONSUMED, SKB_NOT_DROPPED_YET
	}
	return all, nil
}

// arguments is how many arguments a tracepoint has; 0 if this kernel does not have it.
func arguments(spec *btf.Spec, name string) int {
	var t *btf.Typedef
	if spec.TypeByName("btf_trace_"+name, &t) != nil {
		return 0
	}
	pointer, _ := t.Type.(*btf.Pointer)
	if pointer == nil {
		return 0
	}
	proto, _ := pointer.Target.(*btf.FuncProto)
	if proto == nil {
		return 0
	}
	return len(proto.Params) - 1 // the first is the program's own
}
