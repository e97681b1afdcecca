package decode

// A Reason is the result of decoding a frame: OK, or why it has no TCP segment.
// Reports count skipped frames by these names.
type Reason uint8

// The reasons. Every frame has exactly one.
const (
	OK              Reason = iota // a TCP segment was decoded
	NotTCP                        // fully decoded, and something else: UDP, ping, ARP, LLDP
	IPv4Fragment                  // part of a TCP segment of which other parts are missing (RFC 791 3.2)
	IPv6Fragment                  // the same in IPv6 (RFC 8200 4.5)
	Truncated                     // the capture ends before the TCP window field, byte 16 of the header
	MalformedLink                 // a link-layer or tunnel header contradicts the frame's own length
	MalformedIP                   // an IP header contradicts itself
	MalformedTCP                  // a TCP header shorter than 20 bytes, or longer than its packet
	UnknownLinkType               // this link type is not supported
	Encrypted                     // ESP, MACsec, protected 802.11, MPPE: perhaps TCP
	BadChecksum                   // damaged on the way, so its receiver dropped it
	Undecodable                   // nested too deeply, or compressed in a way that is not supported
	ICMPError                     // an ICMP or ICMPv6 error that quotes a TCP segment
	NumReasons                    // the number of reasons
)

var reasonNames = [NumReasons]string{
	OK:              "ok",
	NotTCP:          "not-tcp",
	IPv4Fragment:    "ipv4-fragment",
	IPv6Fragment:    "ipv6-fragment",
	Truncated:       "truncated",
	MalformedLink:   "malformed-link",
	MalformedIP:     "malformed-ip",
	MalformedTCP:    "malformed-tcp",
	UnknownLinkType: "unknown-link-type",
	Encrypted:       "encrypted",
	BadChecksum:     "bad-checksum",
	Undecodable:     "undecodable",
	ICMPError:       "icmp-error",
}

// String is the reason's name in reports.
func (r Reason) String() string {
	if r >= NumReasons {
		return "unknown-reason"
	}
	return reasonNames[r]
}

// malformed reports whether a header turned out to be none.
func (r Reason) malformed() bool {
	return r == MalformedLink || r == MalformedIP || r == MalformedTCP
}

// short says why need bytes of a header are missing, where the packet has wire
// bytes left: it never had them (malformed), or the capture cut them off.
func short(wire, need int, malformed Reason) Reason {
	if wire < need {
		return malformed
	}
	return Truncated
}
