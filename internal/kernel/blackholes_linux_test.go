package kernel

import (
	"encoding/binary"
	"time"

	"github.com/google/nftables/expr"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// The path to the server drops large packets without an ICMP message.
var blackHoles = []testCase{
	{name: "MTU black hole", run: func(s *testRun) {
		client, _ := s.connect()
		s.narrow()
		client.send(3000)
		s.keepRecording(8 * time.Second) // retransmissions come about 6.4 and 12.8 s after the first timeout
		s.recordOverdue(s.client)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"mtu-blackhole", "stuck", serverAddr}}},

	{name: "MTU black hole found out", run: func(s *testRun) {
		s.client.sysctl("net/ipv4/tcp_mtu_probing", "1")
		s.client.sysctl("net/ipv4/tcp_retries1", "2") // timeouts before MTU probing
		client, server := s.connect()
		s.narrow()
		client.send(3000)
		server.receive(3000)
		s.await(fsm.Established, fsm.Established)
	}, find: []finding{{"mtu-blackhole", "fell-back", serverAddr}}},
}

// narrow makes the path to the server drop packets of more than 1200 bytes, and the
// client send frames of a size that a wire can carry.
func (s *testRun) narrow() {
	s.Helper()
	must(s.T, s.client.nl.LinkSetGSOMaxSegs(s.client.link, 1))
	const totalLength = 2 // offset in the IPv4 header (RFC 791 3.1)
	s.server.drop(arriving, anything,
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: totalLength, Len: 2},
		&expr.Cmp{Op: expr.CmpOpGt, Register: 1, Data: binary.BigEndian.AppendUint16(nil, 1200)})
}
