package kernel

import (
	"encoding/binary"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
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

	// The ACK is delayed until a tail loss probe and a timeout, or two timeouts, have sent the
	// segment again; its timestamp shows that they were spurious. How long that takes is up to the
	// machine, so stalls do not count.
	{name: "ACKs late", set: []setting{{"retransmissions", "min-resent", 4}, neverStalls}, run: func(s *testRun) {
		s.client.boundRTO()
		client, server := s.connect()
		sent := 1
		for range 3 {
			s.server.hold()
			client.send(100)
			server.receive(100)
			sent += 3
			late := s.tap.await(sent, data(s.client))
			s.server.release()
			s.tap.await(1, sentBy(s.server).after(late.At))
			s.await(fsm.Established, fsm.Established)
			for _, seg := range s.tap.seen() { // others may have followed
				if seg.At > late.At && data(s.client)(&seg) {
					sent++
				}
			}
		}
	}, find: []finding{{"retransmissions", "spurious", clientAddr}}},
}

// boundRTO keeps a connection from waiting for minutes where a busy machine has let its timer
// double often, or an ACK come after many seconds; Linux can since 6.15.
func (h *host) boundRTO() {
	const file = "net/ipv4/tcp_rto_max_ms"
	if _, err := os.Stat("/proc/sys/" + file); err == nil {
		h.sysctl(file, "5000")
	}
}

// neverStalls is for cases whose retransmissions last as long as a busy machine takes.
var neverStalls = setting{"retransmissions", "min-stall", 3600}

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
