package decode

// A Reason says what became of a frame: OK, or why there is no TCP segment in
// it. The names are those under which a report counts skipped frames.
type Reason uint8

// The reasons. Every frame has exactly one.
const (
	OK              Reason = iota // a TCP segment was decoded
	NotTCP                        // read to the end, and it is something else: UDP, ICMP, ARP, LLDP
	IPv4Fragment                  // part of a TCP segment whose other parts are needed (RFC 791 3.2)
	IPv6Fragment                  // the same in IPv6 (RFC 8200 4.5)
	Truncated                     // the capture ends before the TCP window field, byte 16 of the header
	MalformedLink                 // a link-layer or tunnel header contradicts the frame's own length
	MalformedIP                   // an IP header contradicts itself
	MalformedTCP                  // a TCP header shorter than 20 bytes, or longer than its packet
	UnknownLinkType               // nothing here reads this link type
	Encrypted                     // ESP, MACsec, protected 802.11, MPPE: perhaps TCP, nobody can tell
	BadChecksum                   // damaged on the way, as its receiver saw too
	Undecodable                   // nested too deeply, or packed in a way that is not unpacked here
	NumReasons                    // how many there are, to count them in an array
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
}

// String is the reason's name in reports, in kebab case.
func (r Reason) String() string {
	if r >= NumReasons {
		return "unknown-reason"
	}
	return reasonNames[r]
}

// malformed reports whether a header was read that cannot be what it was taken
// for.
func (r Reason) malformed() bool {
	return r == MalformedLink || r == MalformedIP || r == MalformedTCP
}

// short says why need bytes of header are not there, where the packet has wire
// bytes left: it never had them (lie), or the capture cut them.
func short(wire, need int, lie Reason) Reason {
	if wire < need {
		return lie
	}
	return Truncated
}
