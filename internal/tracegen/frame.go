package tracegen

import "encoding/binary"

const (
	etherLen    = 14
	maxHeaders  = etherLen + 40 + 60
	typeIPv4    = 0x0800
	typeIPv6    = 0x86dd
	protocolTCP = 6
)

// headers fills in the headers of a segment and returns their length.
func (p *pcapWriter) headers(from, to *end, g *segment) int {
	b := p.scratch[:]
	copy(b, to.mac[:])
	copy(b[6:], from.mac[:])
	network := etherLen + 20
	if from.addr.Is6() {
		network = etherLen + 40
	}
	transport := tcpHeader(b[network:], from, to, g)
	segmentLen := transport + int(g.length)
	var pseudo uint32 // of the TCP checksum's pseudo-header (RFC 9293 3.1)
	if from.addr.Is6() {
		pseudo = ipv6Header(b[etherLen:network], from, to, segmentLen)
		binary.BigEndian.PutUint16(b[12:], typeIPv6)
	} else {
		pseudo = ipv4Header(b[etherLen:network], from, to, segmentLen, g.ipid)
		binary.BigEndian.PutUint16(b[12:], typeIPv4)
	}
	sum := pseudo + uint32(segmentLen) + protocolTCP
	sum += wordSum(b[network : network+transport])
	sum += payloadSum(g.length)
	binary.BigEndian.PutUint16(b[network+16:], ^fold(sum))
	return network + transport
}

// ipv4Header returns the sum of the two addresses.
func ipv4Header(b []byte, from, to *end, payload int, id uint16) uint32 {
	be := binary.BigEndian
	src, dst := from.addr.As4(), to.addr.As4()
	be.PutUint16(b, 0x4500)
	be.PutUint16(b[2:], uint16(20+payload))
	be.PutUint16(b[4:], id)
	be.PutUint16(b[6:], 0x4000) // don't fragment
	b[8], b[9] = from.ttl, protocolTCP
	be.PutUint16(b[10:], 0)
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	be.PutUint16(b[10:], ^fold(wordSum(b)))
	return wordSum(b[12:])
}

// ipv6Header returns the sum of the two addresses.
func ipv6Header(b []byte, from, to *end, payload int) uint32 {
	be := binary.BigEndian
	src, dst := from.addr.As16(), to.addr.As16()
	be.PutUint32(b, 6<<28|from.iss&0xfffff) // flow label: any number, the same for the flow
	be.PutUint16(b[4:], uint16(payload))
	b[6], b[7] = protocolTCP, from.ttl
	copy(b[8:], src[:])
	copy(b[24:], dst[:])
	return wordSum(b[8:])
}

// tcpHeader leaves the checksum 0 and returns the header's length.
func tcpHeader(b []byte, from, to *end, g *segment) int {
	be := binary.BigEndian
	be.PutUint16(b, from.port)
	be.PutUint16(b[2:], to.port)
	be.PutUint32(b[4:], from.iss+g.seq)
	acked := uint32(0)
	if g.flags&ack != 0 {
		acked = to.iss + g.ack
	}
	be.PutUint32(b[8:], acked)
	n := 20 + options(b[20:], from, to, g)
	b[12], b[13] = byte(n/4<<4), g.flags
	be.PutUint16(b[14:], g.window)
	be.PutUint32(b[16:], 0)
	return n
}

// wordSum adds up 16-bit words; the length is even.
func wordSum(b []byte) (sum uint32) {
	for ; len(b) >= 4; b = b[4:] {
		v := binary.BigEndian.Uint32(b)
		sum += v>>16 + v&0xffff
	}
	if len(b) > 0 {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	return sum
}

// payloadSum is the sum of a payload, whose bytes are all equal.
func payloadSum(length uint16) uint32 {
	sum := uint32(length/2) * (payloadByte<<8 | payloadByte)
	if length%2 != 0 {
		sum += payloadByte << 8
	}
	return sum
}

// fold folds a one's complement sum into 16 bits (RFC 1071).
func fold(sum uint32) uint16 {
	sum = sum>>16 + sum&0xffff
	return uint16(sum>>16 + sum)
}
