package kernel

import (
	"encoding/binary"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Segments are lost, or only late.
var losses = []tale{
	{name: "data lost five times", play: func(s *story) {
		client, server := s.connect()
		s.server.losesFirst(5, arriving, anything) // a tail probe and four timeouts
		client.send(100)
		server.receive(100)
		s.tap.await(1, sentBy(s.server).after(s.tap.last(s.client).At))
	}, find: []finding{{"retransmissions", "rto-stalls", serverAddr}}},

	{name: "one in twelve lost behind the tap", play: func(s *story) {
		client, server := s.connect()
		s.client.sendsPackets()
		lost := s.server.losesOneIn(12, arriving)
		for range 3 { // a sender that loses much buffers little: what it sends must be read
			client.send(bulk / 4)
			server.receive(bulk / 4)
		}
		lost.mended() // else the last segment may be lost again and again, for many seconds
		client.send(bulk / 4)
		server.receive(bulk / 4)
	}, find: []finding{{"retransmissions", "lossy", serverAddr}}},

	{name: "three segments lost", play: func(s *story) {
		client, server := s.connect()
		s.client.sendsPackets()
		s.server.losesFirst(3, arriving, anything)
		client.send(bulk)
		server.receive(bulk)
	}},

	// The ACK waits for 0.9 s each time: a tail probe and two timeouts later, its
	// timestamp tells that they were for nothing. The sender learns, and waits
	// longer the next time.
	{name: "ACKs late", set: []setting{{"retransmissions", "min-resent", 4}}, play: func(s *story) {
		client, server := s.connect()
		for range 5 {
			s.server.hold()
			client.send(100)
			server.receive(100)
			time.Sleep(900 * time.Millisecond)
			s.server.release()
			time.Sleep(100 * time.Millisecond)
		}
	}, find: []finding{{"retransmissions", "spurious", clientAddr}}},
}

// bulk is some two hundred segments.
const bulk = 300_000

// sendsPackets has the host's TCP hand over each segment alone, as it is on the
// wire.
func (h *host) sendsPackets() {
	h.t.Helper()
	must(h.t, h.nl.LinkSetGSOMaxSegs(h.link, 1))
}

// losesOneIn drops every n-th segment.
func (h *host) losesOneIn(n uint32, at *nftables.ChainHook) *loss {
	h.t.Helper()
	return h.drop(at, anything,
		&expr.Numgen{Register: 1, Modulus: n, Type: unix.NFT_NG_INCREMENTAL},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.NativeEndian.AppendUint32(nil, n-1)})
}
