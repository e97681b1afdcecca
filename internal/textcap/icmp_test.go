package textcap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A segment in the text shows, by its limits, whether an error before it may have been its own.
const summarySegment = "    2   1.000000 2001:db8::1 → 2001:db8::2 TCP 60 40000 → 443 [ACK] Seq=1 Ack=1 Win=64240 Len=0\n"

func jsonPacket(fields string) string {
	return `"_source": {"layers": {"frame": {"frame.number": "1", "frame.time_epoch": "1.0"}, "ipv6": {"ipv6.plen": "72", "ipv6.hlim": "63", ` +
		`"ipv6.src": "2001:db8::9", "ipv6.dst": "2001:db8::1"}, "icmpv6": {` + fields + "}}}\n"
}

const quotedIPv6 = `"ipv6": {"ipv6.plen": "1420", "ipv6.hlim": "61", "ipv6.src": "2001:db8::1", "ipv6.dst": "2001:db8::2"},
"tcp": {"tcp.srcport": "40000", "tcp.dstport": "443", "tcp.seq": "1", "tcp.seq_raw": "5001"}`

func TestICMP(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // the error: type/code, MTU, reporter, what it quotes
		lost       bool   // what it quotes is not in the text
	}{
		{"fields of a packet too big", jsonPacket(`"icmpv6.type": "2", "icmpv6.code": "0", "icmpv6.mtu": "1400", ` + quotedIPv6),
			"2/0 1400 2001:db8::9 [2001:db8::1]:40000>[2001:db8::2]:443 5001+1400 61", false},
		{"fields of an unreachable port", jsonPacket(`"icmpv6.type": "1", "icmpv6.code": "4", ` + quotedIPv6),
			"1/4 0 2001:db8::9 [2001:db8::1]:40000>[2001:db8::2]:443 5001+1400 61", false},
		{"fields of a whole segment, which have the number itself", jsonPacket(`"icmpv6.type": "1", "icmpv6.code": "4", ` + strings.Replace(quotedIPv6, `"tcp.seq": "1", "tcp.seq_raw": "5001"`, `"tcp.seq": "5001", "tcp.flags": "0x0002", "tcp.ack_raw": "0"`, 1)),
			"1/4 0 2001:db8::9 [2001:db8::1]:40000>[2001:db8::2]:443 5001+1400 61", false},
		{"fields of an error without quote", jsonPacket(`"icmpv6.type": "1", "icmpv6.code": "4"`), "", true},
		{"fields of neighbor discovery", jsonPacket(`"icmpv6.type": "135", "icmpv6.code": "0"`), "", false},
		{"tcpdump -v", `08:00:02.000000 IP (tos 0xc0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 576)
    10.0.0.254 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 556
	IP (tos 0x0, ttl 61, id 9, offset 0, flags [DF], proto TCP (6), length 1500)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [.], seq 1:1449, ack 1, win 502, length 1448
`, "3/4 1400 10.0.0.254 10.0.0.1:40000>10.0.0.2:443 0+1460 61", false},
		{"tcpdump -v, ICMPv6", "08:00:02.000000 IP6 (hlim 64, next-header ICMPv6 (58) payload length: 1200) 2001:db8::9 > 2001:db8::1: [icmp6 sum ok] ICMP6, packet too big, mtu 1400\n", "", true},
		{"tcpdump -v, neighbor discovery", "08:00:02.000000 IP6 (hlim 255, next-header ICMPv6 (58) payload length: 32) 2001:db8::9 > 2001:db8::1: [icmp6 sum ok] ICMP6, neighbor solicitation, length 32, who has 2001:db8::1\n", "", false},
		{"tshark, destination unreachable", "    1   0.000000  2001:db8::9 → 2001:db8::1  ICMPv6 112 Destination Unreachable (no route to destination)\n", "", true},
		{"tshark, packet too big", "    1   0.000000  2001:db8::9 → 2001:db8::1  ICMPv6 1240 Packet Too Big\n", "", true},
		{"tshark, time exceeded", "    1   0.000000  2001:db8::9 → 2001:db8::1  ICMPv6 112 Time Exceeded (hop limit exceeded in transit)\n", "", true},
		{"tshark, parameter problem", "    1   0.000000  2001:db8::9 → 2001:db8::1  ICMPv6 112 Parameter Problem (erroneous header field encountered)\n", "", true},
		{"tshark, neighbor discovery", "    1   0.000000  2001:db8::9 → 2001:db8::1  ICMPv6 86 Neighbor Solicitation for 2001:db8::1\n", "", false},
	} {
		r := NewReader(strings.NewReader(c.text + summarySegment))
		d := decode.New()
		var fr Frame
		var got string
		for r.Next(&fr) == nil {
			var seg reassembly.Segment
			if d.Decode(fr.Link, fr.Data, fr.Len, fr.At, &seg) == decode.ICMPError {
				got += fmt.Sprintf("%d/%d %d %v %v>%v %d+%d %d", seg.ICMP.Type, seg.ICMP.Code, seg.MTU(), seg.ReporterName(), seg.Src, seg.Dst, seg.Seq, seg.Len, seg.TTL)
			}
		}
		if got != c.want || r.quoteLost != c.lost {
			t.Errorf("%s: %q, quote lost %v\nwant %q, %v", c.name, got, r.quoteLost, c.want, c.lost)
		}
	}
}
