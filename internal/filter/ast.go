package filter

// A proto is a protocol qualifier by its name in the language: "tcp", "ip6".
// The empty proto is none given.
type proto string

// A direction says which of a packet's two addresses or ports is meant.
type direction uint8

const (
	either direction = iota // src or dst, also when nothing is said
	source
	destination
	both // src and dst
)

// A what says what kind of thing an id names.
type what uint8

const (
	anything what = iota // no qualifier: a host
	host
	network
	port
	portRange
	protocol
)

// A qual is the qualifiers before an id. They carry over to the ids after it:
// in `tcp dst port 80 or 443`, 443 is a TCP destination port.
type qual struct {
	proto proto
	dir   direction
	what  what
	given bool // false where nothing can carry over
}

// A node is a condition of the syntax tree. position is where it begins.
type node interface{ position() int }

// pos is the position of a node that embeds it.
type pos int

func (p pos) position() int { return int(p) }

type (
	andNode struct {
		pos
		l, r node
	}
	orNode struct {
		pos
		l, r node
	}
	notNode struct {
		pos
		x node
	}
	// protoNode is a protocol alone: `tcp`.
	protoNode struct {
		pos
		proto proto
	}
	// idNode is an id with its qualifiers: `src net 10.0.0.0/8`.
	idNode struct {
		pos
		qual
		id   token
		mask *token // the number after / or the address after mask
	}
	// relationNode compares two numbers: `ip[8] < 5`.
	relationNode struct {
		pos
		op   string
		l, r arith
	}
	// primitiveNode is one of the words that follow no pattern: `vlan 5`.
	primitiveNode struct {
		pos
		name   string
		proto  proto // of broadcast and multicast
		number *token
	}
)

// An arith is an arithmetic expression of a relation.
type arith interface{ position() int }

type (
	numberArith struct {
		pos
		value uint32
	}
	// lenArith is the length of the packet on the wire.
	lenArith struct{ pos }
	// loadArith is bytes of the packet: `tcp[12:1]`.
	loadArith struct {
		pos
		proto proto
		index arith
		size  uint32
	}
	negArith struct {
		pos
		x arith
	}
	binaryArith struct {
		pos
		op   string
		l, r arith
	}
)
