package decode

import (
	"encoding/binary"
	"math"
)

// A tag is a kind of header whose identifier separates address spaces. What names
// the receiver of a tunnel is not such an identifier, because the other direction
// has a different one: addresses, PPTP's call (RFC 2637 4.1), GTP's endpoint (3GPP
// TS 29.281 5.1). This holds for an MPLS label as well, but nothing else separates
// two VPNs.
type tag uint8

const (
	tagVLAN     tag = iota + 1 // VLAN identifier, 12 bits
	tagMPLS                    // label, 20 bits
	tagPPPoE                   // session
	tagGRE                     // key, 0 without one
	tagIPIP                    // protocol number of the inner IP
	tagVXLAN                   // network identifier, 24 bits
	tagGeneve                  // network identifier, 24 bits
	tagGTP                     // nothing
	tagEtherIP                 // nothing
	tagBackbone                // service, 24 bits
	tagCAPWAP                  // nothing
	tagL2TP                    // nothing
	tagTeredo                  // nothing
	tagAYIYA                   // nothing
)

// mix adds an identifier to the tunnel hash h, outermost first. It never
// returns 0.
func mix(h uint32, t tag, id uint32) uint32 {
	return fold(uint64(h)<<32 ^ uint64(t)<<24*0x9e3779b9 ^ uint64(id))
}

// addressPair hashes the two 48-bit addresses at the start of an Ethernet frame, each by itself: the sender's, which comes
// second, into the upper half. Its upper eight bits are an fsm.Device, and so not 1, and 0 only without any address, as on
// Linux's loopback interface. Addresses that follow one another differ in them.
func addressPair(b []byte) uint32 {
	const golden, least = 0x9e3779b97f4a7c15, 2 << 8
	to, from := binary.LittleEndian.Uint64(b)<<16, binary.LittleEndian.Uint64(b[4:])&^0xffff
	device := uint32(from * golden >> 48)
	if device < least && from != 0 {
		device = least
	}
	return device<<16 | uint32(to*golden>>48)
}

// otherPair hashes the two addresses at the start of b on links where the sender's does not tell which device sent the packet: it may
// be an access point's, or a bridge's.
func otherPair(b []byte) uint32 {
	return onlyPath(fold(binary.LittleEndian.Uint64(b)*0x9e3779b97f4a7c15 + uint64(binary.LittleEndian.Uint32(b[8:]))))
}

// onlyPath is a hash of link-layer addresses that name no sender.
func onlyPath(h uint32) uint32 { return max(h&math.MaxUint16, 1) }

// senderAddress hashes the sender's address of a Linux cooked header, which has no
// receiver: the first n of the eight bytes of b. The others are padding, in which
// kernels leave what was in memory.
func senderAddress(b []byte, n uint16) uint32 {
	address := binary.LittleEndian.Uint64(b)
	if n < 8 {
		address &= 1<<(8*n) - 1
	}
	return onlyPath(fold(address))
}

// fold spreads x over 32 bits (the finalizer of SplitMix64) and avoids 0, which
// means no hash.
func fold(x uint64) uint32 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return max(uint32(x>>32), 1)
}
