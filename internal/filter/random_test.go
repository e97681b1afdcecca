package filter

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// TestRandomExpressions compares with tcpdump over expressions made at random
// from the grammar. FILTER_RANDOM sets how many.
func TestRandomExpressions(t *testing.T) {
	o := newOracle(t)
	if o == nil {
		t.Skip("tcpdump is not installed")
	}
	n := 150
	if s := os.Getenv("FILTER_RANDOM"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	seed := uint64(1)
	if s := os.Getenv("FILTER_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	r := dice{rand.New(rand.NewPCG(seed, 0))}
	corpus := map[uint32][]packet{}
	both := 0
	for range n {
		link := pick[uint32](r, linkEthernet, linkEthernet, linkEthernet, linkRaw, linkSLL, linkSLL2, linkPPP, linkNull, linkLoop, linkIPv4, linkIPv6)
		if corpus[link] == nil {
			corpus[link] = packets(link, 2000)
		}
		expr := r.expression(3)
		text, refusal := o.compile(t, "-ddd", expr, link)
		ours, err := Compile(expr, link, 0)
		if refusal != "" || err != nil {
			if (refusal == "") != (err == nil) {
				t.Errorf("link %d: %s\ntcpdump: %s\nwe: %v", link, expr, refusal, err)
			}
			continue
		}
		both++
		theirs := program(t, text)
		if at, ok := differ(ours, theirs, corpus[link]); !ok {
			t.Errorf("link %d: %s\n%v\ntcpdump\n%v\nwe\n%v", link, expr, at, theirs, ours)
		}
	}
	t.Logf("%d of %d expressions compiled by both", both, n)
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
		return r.number(depth) + pick(r, " = ", " != ", " < ", " > ", " <= ", " >= ") + r.number(depth)
	}
}

// number is an arithmetic expression.
func (r dice) number(depth int) string {
	if depth > 0 {
		switch r.IntN(6) {
		case 0:
			return r.number(depth-1) + pick(r, " + ", " - ", " * ", " / ", " & ", " | ", " ^ ", " % ", " << ", " >> ") + r.number(depth-1)
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
		return pick(r, "ip[0]", "ip[8]", "ip[9]", "ip[2:2]", "ip[6:2]", "ip[12:4]", "tcp[13]", "tcp[tcpflags]", "tcp[0:2]", "tcp[12] >> 4", "udp[4:2]",
			"icmp[icmptype]", "icmp[0]", "icmp6[icmp6type]", "ip6[6]", "ip6[4:2]", "ether[0]", "ether[12:2]", "arp[6:2]", "sctp[0:2]", "ip[0] & 0xf", "ether[60]", "igmp[0]")
	}
}
