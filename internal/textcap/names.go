package textcap

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// names gives addresses and ports to the names that stand for them in a text
// printed without -n.
type names struct {
	hosts map[string]netip.Addr
	ports map[string]uint16
}

// maxNames bounds how many names are remembered.
const maxNames = 1 << 16

// endpoint reads an address and port as tcpdump joins them, by a dot.
func (n *names) endpoint(to *reassembly.Endpoint, s string) bool {
	if a, err := netip.ParseAddrPort(s); err == nil { // somebody has edited it
		*to = reassembly.EndpointFrom(netip.AddrPortFrom(a.Addr().WithZone(""), a.Port()))
		return true
	}
	i := strings.LastIndexByte(s, '.')
	if i <= 0 || i == len(s)-1 {
		return false
	}
	port, ok := n.port(s[i+1:])
	if !ok {
		return false
	}
	addr, ok := n.host(s[:i])
	*to = reassembly.EndpointFrom(netip.AddrPortFrom(addr, port))
	return ok
}

// host is an address, or one made up for a name: of TEST-NET-1 (RFC 5737), and
// then of 240.0.0.0/4.
func (n *names) host(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone(""), true
	}
	if a, ok := n.hosts[s]; ok {
		return a, true
	}
	if !isHostName(s) || len(n.hosts) >= maxNames {
		return netip.Addr{}, false
	}
	if n.hosts == nil {
		n.hosts = map[string]netip.Addr{}
	}
	k := len(n.hosts) + 1
	a := netip.AddrFrom4([4]byte{192, 0, 2, byte(k)})
	if k > 254 {
		a = netip.AddrFrom4([4]byte{240, byte(k >> 16), byte(k >> 8), byte(k)})
	}
	n.hosts[strings.Clone(s)] = a
	return a, true
}

// port is a number, or that of a service.
func (n *names) port(s string) (uint16, bool) {
	if p, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(p), true
	}
	if p, ok := services[s]; ok {
		return p, true
	}
	if p, ok := n.ports[s]; ok {
		return p, true
	}
	if !isName(s) || len(n.ports) >= 1<<10 {
		return 0, false
	}
	if n.ports == nil {
		n.ports = map[string]uint16{}
	}
	p := uint16(1<<10 - 1 - len(n.ports)) // a service: a low port
	n.ports[strings.Clone(s)] = p
	return p, true
}

// isHostName accepts whatever people put where an address was: "<client>", "[REDACTED]".
func isHostName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' {
			return false
		}
	}
	return s != "" && len(s) < 256
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '.' || c == '_' || c == ':' || c == '*') {
			return false
		}
	}
	return s != "" && len(s) < 256
}

// warnings say which names were replaced.
func (n *names) warnings() []string {
	var w []string
	if len(n.hosts) > 0 {
		list := make([]string, 0, len(n.hosts))
		for name, addr := range n.hosts {
			list = append(list, addr.String()+" stands for "+name)
		}
		slices.Sort(list)
		w = append(w, "the text has names instead of addresses (print it with -n): "+first(list))
	}
	if len(n.ports) > 0 {
		list := make([]string, 0, len(n.ports))
		for name, port := range n.ports {
			list = append(list, fmt.Sprintf("%d stands for %s", port, name))
		}
		slices.Sort(list)
		w = append(w, "the text has names of unknown services instead of ports (print it with -nn): "+first(list))
	}
	return w
}

// first joins the first few.
func first(list []string) string {
	const most = 10
	if len(list) > most {
		return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
	}
	return strings.Join(list, ", ")
}

// services are the names that tcpdump prints without -nn for frequent ports
// (/etc/services).
var services = map[string]uint16{
	"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "gopher": 70, "finger": 79,
	"http": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "nntp": 119, "ntp": 123, "epmap": 135, "netbios-ns": 137,
	"netbios-ssn": 139, "imap2": 143, "imap": 143, "snmp": 161, "bgp": 179, "irc": 194, "ldap": 389, "https": 443, "microsoft-ds": 445,
	"kpasswd": 464, "submissions": 465, "urd": 465, "login": 513, "shell": 514, "printer": 515, "rtsp": 554, "submission": 587,
	"ipp": 631, "ldaps": 636, "domain-s": 853, "rsync": 873, "ftps-data": 989, "ftps": 990, "telnets": 992, "imaps": 993, "pop3s": 995,
	"socks": 1080, "openvpn": 1194, "ms-sql-s": 1433, "ms-sql-m": 1434, "ncube-lm": 1521, "nfs": 2049, "cvspserver": 2401, "postgresql": 5432,
	"mysql": 3306, "ms-wbt-server": 3389, "svn": 3690, "epmd": 4369, "sip": 5060, "sip-tls": 5061, "xmpp-client": 5222,
	"xmpp-server": 5269, "amqps": 5671, "amqp": 5672, "x11": 6000, "redis": 6379, "ircd": 6667, "ircs-u": 6697,
	"http-alt": 8080, "webcache": 8080, "mqtt": 1883, "secure-mqtt": 8883, "bacula-dir": 9101, "git": 9418,
	"commplex-main": 5000, "iscsi-target": 3260, "l2f": 1701, "pptp": 1723, "radius": 1812,
}
