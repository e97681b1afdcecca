package filter

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

var (
	randomCount = flag.Int("random", 150, "number of random expressions to compare with tcpdump")
	randomSeed  = flag.Uint64("seed", 1, "seed of the random expressions")
)

// TestTcpdump_agreesAtRandom compares with tcpdump over expressions made at
// random from the grammar.
func TestTcpdump_agreesAtRandom(t *testing.T) {
	o := newOracle(t)
	if o == nil {
		t.Skip("tcpdump is not installed")
	}
	r := dice{rand.New(rand.NewPCG(*randomSeed, 0))}
	corpus := map[uint32][]packet{}
	compared, divided := 0, 0
	for range *randomCount {
		link := pick[uint32](r, linkEthernet, linkEthernet, linkEthernet, linkRaw, linkSLL, linkSLL2, linkPPP, linkNull, linkLoop, linkIPv4, linkIPv6)
		if corpus[link] == nil {
			corpus[link] = packets(link, 2000)
		}
		expr := r.expression(3)
		text, refusal := o.compile(t, "-ddd", expr, link)
		ours, err := Compile(expr, link, 0)
		if refusal != "" || err != nil {
			// One optimizer may find a contradiction that the other misses.
			if refusal == "" && matchesAny(readProgram(t, text), corpus[link]) || err == nil && matchesAny(ours, corpus[link]) {
				t.Errorf("link %d: %s\ntcpdump: %q\nwe: %v", link, expr, refusal, err)
			}
			continue
		}
		compared++
		theirs := readProgram(t, text)
		if firstDifference(ours, theirs, corpus[link]) == nil {
			continue
		}
		divided++
		plain, _ := o.compile(t, "-Oddd", expr, link)
		if p := unexplained(ours, theirs, readProgram(t, plain), corpus[link]); p != nil {
			t.Errorf("link %d: %s: we say %v for %d of %d bytes %x\nours\n%stcpdump's\n%s", link, expr,
				ours.Match(p.data, p.wire), len(p.data), p.wire, p.data, ours, theirs)
		}
	}
	t.Logf("compared %d expressions, %d of them differ on packets that are cut short", compared, divided)
	if divided > 2+compared/50 {
		t.Errorf("%d of %d expressions differ on packets that are cut short", divided, compared)
	}
}

func matchesAny(p *Program, ps []packet) bool {
	return slices.ContainsFunc(ps, func(q packet) bool { return p.Match(q.data, q.wire) })
}

// unexplained is a packet that is not cut short and on which a program differs
// from tcpdump's, with and without its optimizer. (If parts of an expression
// contradict each other, a packet that is cut short is rejected or not
// depending on which loads the optimizer leaves.)
func unexplained(ours, theirs, plain *Program, ps []packet) *packet {
	for i, p := range ps {
		verdict := ours.Match(p.data, p.wire)
		if len(p.data) == p.wire && verdict != theirs.Match(p.data, p.wire) && verdict != plain.Match(p.data, p.wire) {
			return &ps[i]
		}
	}
	return nil
}

// expression is a chain of terms that is mostly valid.
func (r dice) expression(depth int) string {
	s := r.term(depth)
	for range r.IntN(3) {
		s += pick(r, " and ", " or ", " && ", " || ") + r.term(depth)
	}
	return s
}

func (r dice) term(depth int) string {
	if depth > 0 {
		switch r.IntN(8) {
		case 0:
			return "not " + r.term(depth-1)
		case 1:
			return "(" + r.expression(depth-1) + ")"
		}
	}
	number := func(ns ...int) string { return fmt.Sprint(pick(r, ns...)) }
	dir := pick(r, "", "", "src ", "dst ", "src or dst ", "src and dst ")
	v4 := pick(r, "10.0.0.1", "10.0.0.2", "192.168.1.5", "10.1", "1.2.3.4")
	v6 := pick(r, "2001:db8::1", "fe80::2", "2001:db8:0:1::1")
	ports := number(22, 53, 80, 443, 8080)
	switch r.IntN(22) {
	case 0, 1:
		return pick(r, "ip", "ip6", "tcp", "udp", "arp", "rarp", "icmp", "icmp6", "sctp", "igmp", "pim", "vrrp", "esp", "ah", "stp", "ipx", "atalk", "aarp", "netbeui")
	case 2, 3:
		return pick(r, "", "ip ", "arp ", "ip6 ") + pick(r, dir, dir+"host ") + pick(r, v4, v6, v4)
	case 4:
		return dir + "host " + v4 + " or " + v4 + pick(r, "", " or not "+v4)
	case 5:
		return pick(r, "", "ip ", "ip6 ") + dir + "net " + pick(r, "10.0.0.0/8", "10", "10.0.0", "192.168.0.0 mask 255.255.0.0", "2001:db8::/32", "2001:db8:0:1::/63", "0.0.0.0/0", "::/0")
	case 6, 7, 8:
		return pick(r, "", "tcp ", "udp ", "sctp ") + dir + "port " + ports
	case 9:
		return pick(r, "", "tcp ", "udp ") + dir + "port " + ports + " or " + number(80, 443) + pick(r, "", " and not "+ports, " or (22 or 53)")
	case 10:
		return pick(r, "", "tcp ", "udp ") + dir + "portrange " + pick(r, "80-443", "8000-8080", "0-100", "443-80", "8000-65535")
	case 11:
		return pick(r, "", "ip ", "ip6 ") + "proto " + pick(r, "6", "17", `\tcp`, `\udp`, "58", "ipv6-icmp", "44", "47")
	case 12:
		return "ether proto " + pick(r, "0x800", `\ip`, `\arp`, "0x86dd", "0x42", "0xe0", "6", "0x8100", `\stp`)
	case 13:
		return "ether " + pick(r, dir, dir+"host ", "host ") + pick(r, "00:11:22:33:44:55", "2:0:0:0:0:1")
	case 14:
		return pick(r, "vlan", "vlan 5", "vlan 10 and vlan 5")
	case 15:
		return pick(r, "mpls", "mpls 100", "pppoes", "pppoes 1", "pppoed", "broadcast", "multicast", "ip multicast", "ip6 multicast", "ip broadcast", "ether multicast")
	case 16:
		return pick(r, "less ", "greater ") + number(40, 60, 100)
	default:
		return r.field() + pick(r, "", " & 15", " + len") + pick(r, " = ", " != ", " < ", " > ", " <= ", " >= ") + r.number(depth)
	}
}

// number is an arithmetic expression.
func (r dice) number(depth int) string {
	if depth > 0 {
		switch r.IntN(6) {
		case 0:
			return r.number(depth-1) + pick(r, " + ", " - ", " * ", " & ", " | ", " ^ ", " ^ ") + r.number(depth-1)
		case 3:
			return "((" + r.number(depth-1) + ")" + pick(r, " / 3", " % 3", " << 2", " >> 2") + ")"
		case 1:
			return "(" + r.number(depth-1) + ")"
		case 2:
			return pick(r, "tcp", "ip", "ether", "icmp") + "[" + r.number(depth-1) + "]"
		}
	}
	switch r.IntN(4) {
	case 0:
		return "len"
	case 1:
		return fmt.Sprint(pick(r, 0, 1, 2, 6, 12, 0x45, 64, 80, 443))
	default:
		return r.field()
	}
}

func (r dice) field() string {
	return pick(r, "ip[0]", "ip[8]", "ip[9]", "ip[2:2]", "ip[6:2]", "ip[12:4]", "tcp[13]", "tcp[tcpflags]", "tcp[0:2]", "tcp[12] >> 4", "udp[4:2]",
		"icmp[icmptype]", "icmp[0]", "icmp6[icmp6type]", "ip6[6]", "ip6[4:2]", "ether[0]", "ether[12:2]", "arp[6:2]", "sctp[0:2]", "ip[0] & 0xf", "ether[60]", "igmp[0]")
}
