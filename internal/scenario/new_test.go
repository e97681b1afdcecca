package scenario_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// captured are two connections of one server as a capture has them: hashes,
// identifications and ports of the world, IPv6 mixed in.
const captured = `
start 2020-02-29T12:00:00Z
host client [2001:db8::1]:50000
host server [2001:db8::2]:5000 {ttl 57,vlan 9}
host third  192.0.2.3:50001 {id 31337,ttl 128,mac 7}
host again  192.0.2.2:5000 {ttl 57,id 0}
iss third 4294967290
1.000 client > server  S   0:0(0) win 64240 <mss 1460,sackOK,ts 1 0,wscale 7>
+.010 third > again    S   0:0(0) win 64240
-.001 server > client  S.  0:0(0) ack 1 win 65160
+.010 again > third    S.  0:0(0) ack 1 win 65160
+.010 again > third    P.  1:11(10) ack 1 win 65160 {id 9}
-.001 copy {mac 2,ttl 56}
+.010 again > third    P.  11:21(10) ack 1 win 65160 {id 10}
+.010 third > again    .   1:1(0) ack 1 win 65160 <sack 11:21>
`

const written = `start 2020-02-29T12:00:01Z
host client 10.0.0.1:50000 {id 0}
host server 10.0.0.2:5000 {id 0,ttl 57,vlan 1}
host client2 10.0.0.3:50001 {id 31337,ttl 128}
host server2 10.0.0.4:5000 {id 9,ttl 57}
iss client2 4294967290
0.000  client  > server   S   0:0(0)          win 64240 <mss 1460,wscale 7,sackOK,ts 1 0>
0.009  server  > client   S.  0:0(0)    ack 1 win 65160
0.010  client2 > server2  S   0:0(0)          win 64240
0.019  server2 > client2  S.  0:0(0)    ack 1 win 65160 {id 0}
0.029  server2 > client2  P.  1:11(10)  ack 1 win 65160
0.028  server2 > client2  P.  1:11(10)  ack 1 win 65160 {id 9,ttl 56,mac 2}
0.038  server2 > client2  P.  11:21(10) ack 1 win 65160
0.048  client2 > server2  .   1:1(0)    ack 1 win 65160 <sack 11:21>
2.000  end
`

func conns(t *testing.T) (conns []scenario.Conn, start int64) {
	f, err := scenario.Parse("x", []byte(captured))
	if err != nil {
		t.Fatal(err)
	}
	hosts := f.Traces[0].Hosts
	for i := 0; i < len(hosts); i += 2 {
		conns = append(conns, scenario.Conn{Ends: [2]reassembly.Endpoint{hosts[i].Addr, hosts[i+1].Addr}})
	}
	for _, l := range f.Traces[0].Lines {
		c, from := &conns[l.From/2], l.From%2
		c.ISN[from], c.ISN[1-from] = l.SeqBase, l.AckBase
		l.Seg.Link *= 0x9e3779b9 // as the hashes of a capture are
		l.Seg.Tunnel *= 0x9e3779b9
		l.Seg.File = 3
		c.Segs = append(c.Segs, l.Seg)
	}
	return conns, f.Traces[0].Start
}

func TestNew(t *testing.T) {
	c, start := conns(t)
	tr := scenario.New(c, start+3_000_000_000)
	if got := string(tr.Append(nil)); got != written {
		t.Errorf("written\n%s\nwant\n%s", got, written)
	}
	again, err := scenario.Parse("x", tr.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := same(again.Traces[0].Segments(), tr.Segments()); err != nil {
		t.Errorf("read back: %v", err)
	}
	if err := captures(tr); err != nil {
		t.Errorf("captured: %v", err)
	}
}

func TestNew_nothing(t *testing.T) {
	if got := string(scenario.New(nil, 0).Append(nil)); got != "" {
		t.Errorf("got %q", got)
	}
}
