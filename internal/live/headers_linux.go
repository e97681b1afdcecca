//go:build !libpcap

package live

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

const (
	tagSize  = 4  // of an IEEE 802.1Q tag
	sll2Size = 20 // of a LINUX_SLL2 header
	// reserved is the room that the kernel leaves before each frame.
	reserved = sll2Size + tagSize
)

// linkTypes are the link types of frames from a SOCK_RAW socket, by the type of the
// device (linux/if_arp.h), as in libpcap's map_arphrd_to_dlt. Frames of other
// devices are captured without their header, as LINUX_SLL2.
var linkTypes = map[uint16]capture.LinkType{
	unix.ARPHRD_ETHER:              capture.LinkEthernet,
	unix.ARPHRD_LOOPBACK:           capture.LinkEthernet,
	unix.ARPHRD_NONE:               capture.LinkRaw, // tun, WireGuard
	unix.ARPHRD_RAWIP:              capture.LinkRaw,
	unix.ARPHRD_TUNNEL:             capture.LinkRaw,
	unix.ARPHRD_TUNNEL6:            capture.LinkRaw,
	unix.ARPHRD_SIT:                capture.LinkRaw,
	unix.ARPHRD_IEEE80211:          capture.Link80211,
	unix.ARPHRD_IEEE80211_RADIOTAP: capture.LinkRadiotap,
}

// addHeaders puts the headers that the kernel delivers separately into the reserved
// room before a frame. It returns the frame as files have it, and its length on
// the wire.
func (r *Ring) addHeaders(h []byte) (data []byte, wire int) {
	at := int(ne.Uint16(h[frameMAC:]))
	end := at + int(ne.Uint32(h[frameCaptured:]))
	wire = int(ne.Uint32(h[frameLength:]))
	start := at
	tci, tpid, tagged := tagOf(h)
	switch {
	case r.cooked:
		protocol := binary.BigEndian.Uint16(h[addrProtocol:])
		if tagged {
			start -= tagSize
			binary.BigEndian.PutUint16(h[start:], tci)
			binary.BigEndian.PutUint16(h[start+2:], protocol)
			protocol = tpid
		}
		start -= sll2Size
		putSLL2(h[start:], h, protocol)
	case tagged && end-at >= 12 && r.link == capture.LinkEthernet:
		start -= tagSize
		copy(h[start:start+12], h[at:at+12]) // both addresses
		binary.BigEndian.PutUint16(h[start+12:], tpid)
		binary.BigEndian.PutUint16(h[start+14:], tci)
	}
	return h[start:end:end], wire + at - start
}

// tagOf is the outer VLAN tag, which Linux removes from every frame.
func tagOf(h []byte) (tci, tpid uint16, tagged bool) {
	status := ne.Uint32(h[frameStatus:])
	if status&unix.TP_STATUS_VLAN_VALID == 0 {
		return 0, 0, false
	}
	tpid = unix.ETH_P_8021Q
	if status&unix.TP_STATUS_VLAN_TPID_VALID != 0 {
		tpid = ne.Uint16(h[frameTPID:])
	}
	return uint16(ne.Uint32(h[frameTCI:])), tpid, true
}

// putSLL2 writes the header of https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html
func putSLL2(b, h []byte, protocol uint16) {
	binary.BigEndian.PutUint16(b, protocol)
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], ne.Uint32(h[addrIndex:]))
	binary.BigEndian.PutUint16(b[8:], ne.Uint16(h[addrHardware:]))
	b[10] = h[addrPacket]
	b[11] = h[addrLength]
	copy(b[12:sll2Size], h[addrAddress:addrAddress+8])
}

// isSentToLoopback reports whether the frame is sent through a loopback device. It
// is received there as well, and would be captured twice.
func isSentToLoopback(h []byte) bool {
	return ne.Uint16(h[addrHardware:]) == unix.ARPHRD_LOOPBACK && h[addrPacket] == unix.PACKET_OUTGOING
}
