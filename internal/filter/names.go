package filter

import "strings"

// keywords have a meaning of their own; as names they must be escaped with a
// backslash. The names of protocols are keywords too.
var keywords = func() map[string]bool {
	m := set("and or not src dst host net mask port portrange proto " +
		"less greater len broadcast multicast inbound outbound ifindex vlan mpls pppoed pppoes ether")
	for name := range etherTypes {
		m[name] = true
	}
	for name := range transports {
		m[name] = true
	}
	return m
}()

// unsupported are the keywords of pcap-filter(7) that this package refuses.
var unsupported = set("protochain gateway byte geneve llc radio " +
	"iso clnp esis isis l1 l2 iih lsp snp csnp psnp es-is is-is " +
	"type subtype dir direction ra ta addr1 addr2 addr3 addr4 address1 address2 address3 address4 " +
	"lane metac bcc sc ilmic oam oamf4 oamf4ec oamf4sc vpi vci connectmsg metaconnect " +
	"fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls " +
	"ifname on rnr rulenum reason rset ruleset srnr subrulenum action")

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}

// synonyms map the other spellings of a keyword to the one used here.
var synonyms = map[string]string{
	"link": "ether", "ppp": "ether", "slip": "ether", "fddi": "ether", "tr": "ether", "wlan": "ether",
	"length": "len",
	"&&":     "and", "||": "or", "!": "not", "==": "=",
}

// numberNames are the names that stand for a number anywhere in an
// expression: offsets of header fields, TCP flags, ICMP types (pcap-filter(7)).
var numberNames = map[string]uint32{
	"icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1, "tcpflags": 13,

	"tcp-fin": 0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08, "tcp-ack": 0x10, "tcp-urg": 0x20,
	"tcp-ece": 0x40, "tcp-cwr": 0x80,

	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13,
	"icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-multicastlistenerquery": 130,
	"icmp6-multicastlistenerreportv1": 131, "icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133,
	"icmp6-routeradvert": 134, "icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
	"icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139, "icmp6-nodeinformationresponse": 140,
	"icmp6-ineighbordiscoverysolicit": 141, "icmp6-ineighbordiscoveryadvert": 142,
	"icmp6-multicastlistenerreportv2": 143, "icmp6-homeagentdiscoveryrequest": 144,
	"icmp6-homeagentdiscoveryreply": 145, "icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147,
	"icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149, "icmp6-multicastrouteradvert": 151,
	"icmp6-multicastroutersolicit": 152, "icmp6-multicastrouterterm": 153,
}

// A service is what a port name stands for. An empty transport means that the
// name is registered for TCP and UDP alike; the port then matches in any of
// TCP, UDP and SCTP, as in libpcap.
type service struct {
	port      uint32
	transport string
}

// services are the names in common use from Debian's /etc/services, with the
// transports given there. Nothing else is looked up: what an expression means
// does not depend on the machine.
var services = map[string]service{
	"echo": {7, ""}, "discard": {9, ""}, "daytime": {13, ""}, "chargen": {19, ""}, "ftp-data": {20, "tcp"},
	"ftp": {21, "tcp"}, "ssh": {22, "tcp"}, "telnet": {23, "tcp"}, "smtp": {25, "tcp"}, "time": {37, ""},
	"whois": {43, "tcp"}, "tacacs": {49, ""}, "domain": {53, ""}, "bootps": {67, "udp"}, "bootpc": {68, "udp"},
	"tftp": {69, "udp"}, "finger": {79, "tcp"}, "http": {80, "tcp"}, "kerberos": {88, ""}, "pop3": {110, "tcp"},
	"sunrpc": {111, ""}, "auth": {113, "tcp"}, "nntp": {119, "tcp"}, "ntp": {123, "udp"}, "epmap": {135, "tcp"},
	"netbios-ns": {137, "udp"}, "netbios-dgm": {138, "udp"}, "netbios-ssn": {139, "tcp"}, "imap2": {143, "tcp"},
	"imap": {143, "tcp"}, "snmp": {161, ""}, "snmp-trap": {162, ""}, "bgp": {179, "tcp"}, "ldap": {389, ""},
	"https": {443, ""}, "kpasswd": {464, ""}, "submissions": {465, "tcp"}, "microsoft-ds": {445, "tcp"},
	"isakmp": {500, "udp"}, "exec": {512, "tcp"}, "login": {513, "tcp"}, "who": {513, "udp"}, "shell": {514, "tcp"},
	"syslog": {514, ""}, "printer": {515, "tcp"}, "rtsp": {554, ""}, "submission": {587, "tcp"}, "ldaps": {636, ""},
	"domain-s": {853, ""}, "rsync": {873, "tcp"}, "ftps-data": {989, "tcp"}, "ftps": {990, "tcp"},
	"telnets": {992, "tcp"}, "imaps": {993, "tcp"}, "pop3s": {995, "tcp"}, "socks": {1080, "tcp"},
	"openvpn": {1194, ""}, "ms-sql-s": {1433, "tcp"}, "ms-sql-m": {1434, "udp"}, "l2f": {1701, "udp"},
	"radius": {1812, ""}, "radius-acct": {1813, ""}, "nfs": {2049, ""}, "iscsi-target": {3260, "tcp"},
	"mysql": {3306, "tcp"}, "ms-wbt-server": {3389, "tcp"}, "svn": {3690, "tcp"}, "sip": {5060, ""},
	"sip-tls": {5061, ""}, "xmpp-client": {5222, "tcp"}, "xmpp-server": {5269, "tcp"}, "mdns": {5353, "udp"},
	"postgresql": {5432, "tcp"}, "amqps": {5671, "tcp"}, "redis": {6379, "tcp"}, "x11": {6000, "tcp"},
	"http-alt": {8080, "tcp"}, "git": {9418, "tcp"}, "webmin": {10000, "tcp"},
}

// ipProtocolNames are the protocol numbers by name from Debian's
// /etc/protocols, for `ip proto NAME`.
var ipProtocolNames = map[string]uint32{
	"ip": 0, "hopopt": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9,
	"pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37,
	"idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47, "esp": 50,
	"ah": 51, "skip": 57, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73, "vmtp": 81, "eigrp": 88,
	"ospf": 89, "ax.25": 93, "ipip": 94, "etherip": 97, "encap": 98, "pim": 103, "ipcomp": 108, "vrrp": 112,
	"l2tp": 115, "isis": 124, "sctp": 132, "fc": 133, "mobility-header": 135, "udplite": 136, "mpls-in-ip": 137,
	"manet": 138, "hip": 139, "shim6": 140, "wesp": 141, "rohc": 142, "ethernet": 143, "mptcp": 262,
}
