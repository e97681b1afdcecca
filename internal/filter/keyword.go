package filter

import "strings"

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}

// keywords have a meaning of their own; as a name they must be escaped with a
// backslash. The names of protocols are keywords too.
var keywords = func() map[string]bool {
	m := set("and or not src dst host net mask port portrange proto " +
		"less greater len broadcast multicast inbound outbound ifindex vlan mpls pppoed pppoes ether")
	for name := range etherTypes {
		m[string(name)] = true
	}
	for name := range transports {
		m[string(name)] = true
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

// synonyms map the other spellings of a keyword to the one used here.
var synonyms = map[string]string{
	"link": "ether", "ppp": "ether", "slip": "ether", "fddi": "ether", "tr": "ether", "wlan": "ether",
	"length": "len",
	"&&":     "and", "||": "or", "!": "not", "==": "=",
}
