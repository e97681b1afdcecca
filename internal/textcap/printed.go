package textcap

import "github.com/tcptrace-go/tcptrace/reassembly"

// printed is what the lines of one packet say.
type printed struct {
	line  uint32 // the first, from 1
	num   uint32 // the frame number in the text, 0 if there is none
	stamp stamp

	tcp        bool // seg is a segment; otherwise the packet is only known to be there
	skip       bool // the text shows the packet elsewhere
	vague      bool // it is TCP, but the text does not say enough to make a segment; seg has the hosts, as far as they are known
	space      space
	seg        reassembly.Segment // without Seq, Ack and the numbers of SACK blocks
	hasSeq     bool
	hasIP      bool // the text has IP identification and TTL
	seq        uint32
	ack        uint32
	window     uint32 // may be scaled, where the printer scales it
	hasWin     bool
	scaled     bool // window is scaled
	hasLen     bool
	lengthOpen bool   // the printer tells no lengths: those of other segments tell this one's
	reused     bool   // the printer says that a new connection reuses the ports
	resent     bool   // the printer says that it was sent before
	options    []byte // the bytes of the options, if the text has them

	values map[string]string // fields by name
	name   string            // of the last field

	icmp      *icmpError
	quoteLost bool // an ICMP error, of which the text does not show what it quotes

	fragment uint16 // IPv4 flags and fragment offset, in wire order
	ipLen    int    // total length of the IPv4 packet, 0 if unknown
	macs     [2][6]byte
	hasMACs  bool
	tags     []uint16

	bytes []byte // of the frame, if the text has them
	link  uint32 // of bytes
	wire  int    // bytes on the wire, 0 if unknown
}

// A space says what sequence numbers are relative to.
type space uint8

const (
	spaceRaw       space = iota // to nothing
	spaceTcpdump                // to the first segment with ACK, as tcpdump does without -S; or raw, with -S
	spaceWireshark              // to the first segment
)
