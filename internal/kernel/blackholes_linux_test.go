package kernel

import (
	"encoding/binary"
	"time"

	"github.com/google/nftables/expr"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// The way to the server drops large packets and does not say so.
var blackHoles = []tale{
	{name: "MTU black hole", play: func(s *story) {
		client, _ := s.connect()
		s.narrow()
		client.send(3000)
		s.traceGoesOn(9 * time.Second) // resends come 6.4 and 12.8 s after the first timeout or so
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"mtu-blackhole", "stuck", serverAddr}}},

	{name: "MTU black hole found out", play: func(s *story) {
		s.client.sysctl("net/ipv4/tcp_mtu_probing", "1")
		s.client.sysctl("net/ipv4/tcp_retries1", "2") // timeouts before it suspects the path
		client, server := s.connect()
		s.narrow()
		client.send(3000)
		server.receive(3000)
		s.ask(fsm.Established, fsm.Established)
	}, find: []finding{{"mtu-blackhole", "fell-back", serverAddr}}},
}

// narrow has the way to the server drop packets of more than 1200 bytes, and the
// client send what it does in frames that a wire could carry.
func (s *story) narrow() {
	s.Helper()
	must(s.T, s.client.nl.LinkSetGSOMaxSegs(s.client.link, 1))
	const totalLength = 2 // offset in the IPv4 header (RFC 791 3.1)
	s.server.drop(arriving, anything,
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: totalLength, Len: 2},
		&expr.Cmp{Op: expr.CmpOpGt, Register: 1, Data: binary.BigEndian.AppendUint16(nil, 1200)})
}
