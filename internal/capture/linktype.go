package capture

import "strconv"

// A LinkType says how a frame begins: a LINKTYPE_ number of the registry at
// https://www.tcpdump.org/linktypes.html, as files hold it.
type LinkType uint32

// The link types that carry IP in one way or another.
const (
	LinkNull     LinkType = 0
	LinkEthernet LinkType = 1
	LinkPPP      LinkType = 9
	LinkFDDI     LinkType = 10
	LinkRawBSD   LinkType = 12 // DLT_RAW on most systems, written by old libpcap
	LinkRawOBSD  LinkType = 14 // DLT_RAW on OpenBSD
	LinkPPPHDLC  LinkType = 50
	LinkPPPoE    LinkType = 51
	LinkRaw      LinkType = 101
	LinkCHDLC    LinkType = 104
	Link80211    LinkType = 105
	LinkLoop     LinkType = 108
	LinkSLL      LinkType = 113
	LinkPFLog    LinkType = 117
	LinkRadiotap LinkType = 127
	LinkAVS      LinkType = 163
	LinkPPI      LinkType = 192
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkNFLog    LinkType = 239
	LinkPKTAP    LinkType = 258
	LinkSLL2     LinkType = 276

	// linkNone stands for a type of another format that is no LINKTYPE_.
	linkNone LinkType = 0xffff
)

var linkNames = map[LinkType]string{
	LinkNull:     "NULL",
	LinkEthernet: "ETHERNET",
	LinkPPP:      "PPP",
	LinkFDDI:     "FDDI",
	LinkRawBSD:   "RAW",
	LinkRawOBSD:  "RAW",
	LinkPPPHDLC:  "PPP_HDLC",
	LinkPPPoE:    "PPP_ETHER",
	LinkRaw:      "RAW",
	LinkCHDLC:    "C_HDLC",
	Link80211:    "IEEE802_11",
	LinkLoop:     "LOOP",
	LinkSLL:      "LINUX_SLL",
	LinkPFLog:    "PFLOG",
	LinkRadiotap: "IEEE802_11_RADIOTAP",
	LinkAVS:      "IEEE802_11_AVS",
	LinkPPI:      "PPI",
	LinkPKTAP:    "PKTAP",
	LinkIPv4:     "IPV4",
	LinkIPv6:     "IPV6",
	6:            "IEEE802_5",
	7:            "ARCNET_BSD",
	129:          "ARCNET_LINUX",
	135:          "JUNIPER_ATM2",
	137:          "JUNIPER_ATM1",
	167:          "JUNIPER_PPPOE",
	178:          "JUNIPER_ETHER",
	179:          "JUNIPER_PPP",
	181:          "JUNIPER_CHDLC",
	242:          "IPOIB",
	LinkNFLog:    "NFLOG",
	LinkSLL2:     "LINUX_SLL2",
	linkNone:     "UNKNOWN",
}

// String is the registry's name without its prefix, "ETHERNET", or
// "LINKTYPE_999" for a number without a name here.
func (l LinkType) String() string {
	if name, ok := linkNames[l]; ok {
		return name
	}
	return "LINKTYPE_" + strconv.FormatUint(uint64(l), 10)
}
