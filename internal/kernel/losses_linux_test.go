package kernel

import (
	"encoding/binary"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// Segments are lost, or only delayed.
var losses = []testCase{
	{name: "data lost five times", run: func(s *testRun) {
		client, server := s.connect()
		s.server.losesFirst(5, arriving, anything) // a tail probe and four timeouts
		client.send(100)
		server.receive(100)
		s.tap.await(1, sentBy(s.server).after(s.tap.last(s.client).At))
	}, find: []finding{{"retransmissions", "rto-stalls", serverAddr}}},

	{name: "one in twelve lost after the tap", run: func(s *testRun) {
		client, server := s.connect()
		s.client.sendsPackets()
		lost := s.server.losesOneIn(12, arriving)
		for range 3 { // a sender with many losses buffers little, so its data must be read
			client.send(bulk / 4)
			server.receive(bulk / 4)
		}
		lost.repair() // otherwise the last segment may be lost repeatedly, for many seconds
		client.send(bulk / 4)
		server.receive(bulk / 4)
	}, find: []finding{{"retransmissions", "lossy", serverAddr}}},

	{name: "three segments lost", run: func(s *testRun) {
		client, server := s.connect()
		s.client.sendsPackets()
		s.server.losesFirst(3, arriving, anything)
		client.send(bulk)
		server.receive(bulk)
	}},

	// The ACK is delayed by 0.9 s each time. After a tail loss probe and two
	// timeouts, its timestamp shows that they were spurious. The sender then uses
	// a longer RTO.
	{name: "ACKs late", set: []setting{{"retransmissions", "min-resent", 4}}, run: func(s *testRun) {
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

// sendsPackets turns off segmentation offload, so that each segment is captured as
// on the wire.
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
