package filter

import (
	"errors"
	"strings"
	"testing"
)

// TestCompile_refusals: the position is that of the word at fault, and the
// message says what is wrong with it.
func TestCompile_refusals(t *testing.T) {
	for _, c := range []struct {
		expr string
		pos  int
		msg  string
	}{
		{"10.0.0.1", 0, "expected a keyword such as host, net or port"},
		{"tcp or 80", 7, "expected a keyword such as host, net or port"},
		{"tcp prot 80", 4, "expected and, or, or the end"},
		{"tcp and", 7, "the end of the expression"},
		{"(tcp or udp", 11, "expected )"},
		{"tcp)", 3, "expected and, or, or the end"},
		{"host nosuch.example", 5, "names are not looked up"},
		{"tcp port nosuch", 9, "unknown port"},
		{"udp port http", 9, "registered for tcp"},
		{"port 65536", 5, "more than 65535"},
		{"src host 10.0.0.1 and dst host 10.0.0.256", 31, "invalid IPv4 address"},
		{"net 10.0.0.1/8", 4, "bits set outside the mask"},
		{"host 10.0.0.0/8", 5, "a mask can follow net"},
		{"net 10.0/255.0.0.0.0", 9, "expected a number, found"},
		{"ip host 2001:db8::1", 8, "cannot be combined with an IPv6 address"},
		{"ip proto tcp", 9, `written \tcp`},
		{"ip proto nosuch", 9, "unknown protocol"},
		{"vlan 5000", 0, "more than 4095"},
		{"tcp[0:3] = 1", 6, "1, 2 or 4 bytes"},
		{"tcp[13] & 2", 11, "expected a comparison"},
		{"ip[8] / (1 - 1) = 1", 6, "division by zero"},
		{"ether[-1] = 0", 0, "before the start of the packet"},
		{"len > 99999999999", 6, "does not fit in 32 bits"},
		{"port 089", 5, "is not octal"},
		{"host 1:2:3", 5, "invalid IPv6 address"},
		{"ether", 5, "expected an address or proto, found the end"},
		{"tcp @ 5", 4, "unexpected character"},
		{"ip and arp", 0, "matches no packet"},
		{"1 > 2", 0, "matches no packet"},
		{"2 > 2", 0, "matches no packet"},
		{"2 < 2", 0, "matches no packet"},
		{strings.Repeat("(", 300) + "tcp", maxNesting, "nested more than"},
		{strings.Repeat("not ", 300) + "tcp", 4 * maxNesting, "nested more than"},
		{"vlan " + strings.Repeat("(", 300), 5, ""},
		{strings.Repeat("tcp or ", 20000) + "tcp", maxLength, "longer than"},
		{"port 1" + strings.Repeat(" or 1", 2000), 0, "too long"},
		{"ip[" + strings.Repeat("tcp[len]-(", 20) + "1" + strings.Repeat(")", 20) + "] = 1", 0, "nested too deeply"},
	} {
		_, err := Compile(c.expr, linkEthernet, 0)
		var syntax *SyntaxError
		switch {
		case !errors.As(err, &syntax):
			t.Errorf("%.60s: error %v", c.expr, err)
		case !strings.Contains(err.Error(), c.msg) || syntax.Pos != c.pos && c.msg != "":
			t.Errorf("%.60s: position %d, want %d: %v, want %q", c.expr, syntax.Pos, c.pos, err, c.msg)
		}
	}
}

// TestCompile_unsupported: what tcpdump would accept is refused with the way
// out, and the package documentation lists it.
func TestCompile_unsupported(t *testing.T) {
	for _, expr := range []string{
		"ip6 protochain 6", "gateway foo", "geneve", "llc", "llc i", "byte 0 = 1", "iso", "isis", "clnp",
		"type mgt", "wlan addr1 00:11:22:33:44:55", "on eth0", "rnr 5", "action pass", "vpi 5", "oam", "sio 3",
		"host localhost", "ether host router", "net loopback",
	} {
		_, err := Compile(expr, linkEthernet, 0)
		if err == nil || !strings.Contains(err.Error(), "--filter-bpf") {
			t.Errorf("%s: error %v has no way out", expr, err)
		}
	}
	if _, err := Compile("tcp", 105, 0); err == nil || !strings.Contains(err.Error(), "link type 105") {
		t.Errorf("802.11: error %v", err)
	}
}
