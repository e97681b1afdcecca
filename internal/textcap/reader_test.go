package textcap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// read lists what a text shows: number, seconds, segment, and more of a segment.
func read(t *testing.T, text string, more ...func(*Frame, *reassembly.Segment) string) (list []string, warnings string) {
	t.Helper()
	r := NewReader(strings.NewReader(text))
	d := decode.New()
	var fr Frame
	for r.Next(&fr) == nil {
		var seg reassembly.Segment
		what := "other"
		if d.Decode(fr.Link, fr.Data, fr.Len, fr.At, &seg) == decode.OK {
			what = fmt.Sprintf("%v>%v %v %d+%d %d", seg.Src, seg.Dst, seg.Flags, seg.Seq, seg.Len, seg.Ack)
		}
		if fr.Missing&reassembly.MissingSeq != 0 {
			what += " guessed"
		}
		for _, f := range more {
			what += f(&fr, &seg)
		}
		list = append(list, fmt.Sprintf("%d %.6f %s", fr.Num, float64(fr.At-startOfTime)/1e9, what))
	}
	return list, strings.Join(r.Warnings(), "\n")
}

var texts = []struct {
	name, text, want string
}{
	{"prose and quote marks", `
Hi, this is what we see:

> 08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, options [mss
> 1460,sackOK], length 0
> > 08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0
> 08:00:01.020000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 1:101, ack 1, win 502, length 100: HTTP: GET /10.0.0.9.1 > 10.0.0.8.2: Flags [R], seq 1, win 0

and then nothing. 10.0.0.1.40000 > 10.0.0.2.443: Flags [R] is what the manual says.
`, `4 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
6 28801.010000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
7 28801.020000 10.0.0.1:40000>10.0.0.2:443 P. 7001+100 9001`},
	{"an excerpt with relative numbers", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 101:201, ack 51, win 502, length 100
08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [.], ack 201, win 502, length 0
08:00:01.020000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [R], seq 3333333333, win 0, length 0
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 P. 101+100 51
3 28801.010000 10.0.0.2:443>10.0.0.1:40000 . 51+0 201 guessed
4 28801.020000 10.0.0.2:443>10.0.0.1:40000 R 51+0 0 guessed`},
	{"found running", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [.], ack 3000000001, win 502, length 0
08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [P.], seq 1:11, ack 1, win 502, length 10
08:00:01.020000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 1:3, ack 11, win 502, length 2
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 . 1000000000+0 3000000001 guessed
3 28801.010000 10.0.0.2:443>10.0.0.1:40000 P. 3000000001+10 1000000001
4 28801.020000 10.0.0.1:40000>10.0.0.2:443 P. 1000000001+2 3000000011`},
	{"with -S", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 4000000000:4000000010, ack 3000000001, win 502, length 10
08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [.], seq 3000000001, ack 4000000010, win 502, length 0
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 P. 4000000000+10 3000000001
3 28801.010000 10.0.0.2:443>10.0.0.1:40000 . 3000000001+0 4000000010`},
	{"times between packets", `
 00:00:00.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
 00:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
 00:00:00.500000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
`, `2 0.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 1.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
4 1.500000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0`},
	{"midnight", `
23:59:59.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
00:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
`, `2 86399.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 86401.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0`},
	{"names", `
08:00:01.000000 IP client.lan.40000 > www.example.com.https: Flags [S], seq 7000, win 64240, length 0
`, `2 28801.000000 192.0.2.1:40000>192.0.2.2:443 S 7000+0 0`},
	{"before tcpdump 4", `
08:00:01.000000 10.0.0.1.40000 > 10.0.0.2.80: S 7000:7000(0) win 5840 <mss 1460,nop> (DF)
08:00:01.010000 IP 10.0.0.2.80 > 10.0.0.1.40000: S 9000:9000(0) ack 7001 win 5840
08:00:01.020000 IP 10.0.0.1.40000 > 10.0.0.2.80: . ack 1 win 5840
08:00:01.030000 IP 10.0.0.1.40000 > 10.0.0.2.80: P 1:9(8) ack 1 win 5840
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:80 S 7000+0 0
3 28801.010000 10.0.0.2:80>10.0.0.1:40000 S. 9000+0 7001
4 28801.020000 10.0.0.1:40000>10.0.0.2:80 . 7001+0 9001 guessed
5 28801.030000 10.0.0.1:40000>10.0.0.2:80 P. 7001+8 9001`},
	{"other packets and a quoted segment", `
08:00:01.000000 ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28
08:00:02.000000 IP (tos 0xc0, ttl 64, id 1, offset 0, flags [none], proto ICMP (1), length 576)
    10.0.0.254 > 10.0.0.1: ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 556
	IP (tos 0x0, ttl 64, id 9, offset 0, flags [DF], proto TCP (6), length 1500)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [.], seq 1:1449, ack 1, win 502, length 1448
08:00:03.000000 IP 10.0.0.1.53 > 10.0.0.2.53: 24567+ A? x.de. (22)
08:00:04.000000 IP 10.0.0.1.40000 > 10.0.0.2.80: tcp 100
08:00:05.000000 my server started > ok
`, `2 28801.000000 other
3 28802.000000 other guessed
7 28803.000000 other
8 28804.000000 other`},
	{"FortiGate, level 1", `
interfaces=[any]
filters=[host 10.0.0.1]
2.100000 10.0.0.1.40000 -> 10.0.0.2.443: syn 7000
2.110000 10.0.0.2.443 -> 10.0.0.1.40000: syn 9000 ack 7001
2.120000 10.0.0.1.40000 -> 10.0.0.2.443: ack 9001
2.130000 10.0.0.1.40000 -> 10.0.0.2.443: psh 7001 ack 9001
2.140000 10.0.0.2.443 -> 10.0.0.1.40000: ack 7101
2.150000 10.0.0.2.443 -> 10.0.0.1.40000: fin 9001 ack 7101
2.150000 10.0.0.2 -> 10.0.0.1: icmp: echo reply
`, `4 2.100000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 guessed
5 2.110000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001 guessed
6 2.120000 10.0.0.1:40000>10.0.0.2:443 . 7001+0 9001 guessed
7 2.130000 10.0.0.1:40000>10.0.0.2:443 P. 7001+100 9001 guessed
8 2.140000 10.0.0.2:443>10.0.0.1:40000 . 9001+0 7101 guessed
9 2.150000 10.0.0.2:443>10.0.0.1:40000 F. 9001+0 7101 guessed
10 2.150000 other`},
	{"FortiGate, level 5", `
2021-03-01 10:00:00.100000 port1 in 10.0.0.1.40000 -> 10.0.0.2.443: syn 7000
0x0000	 4500 0028 0001 4000 4006 0000 0a00 0001	E..(..@.@.......
0x0010	 0a00 0002 9c40 01bb 0000 1b58 0000 0000	.....@.....X....
0x0020	 5002 faf0 0000 0000                    	P.......
2021-03-01 10:00:00.200000 port2 out 10.0.0.1.40000 -> 10.0.0.2.443: syn 7000
`, `2 636285600.100000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
6 636285600.200000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 guessed`},
	{"a packet list of Wireshark, copied", "\n" +
		"No.\tTime\tSource\tDestination\tProtocol\tLength\tInfo\n" +
		"7\t0.000000\t10.0.0.1\t10.0.0.2\tTCP\t74\t40000 → 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 SACK_PERM=1 WS=128\n" +
		"8\t0.010000\t10.0.0.2\t10.0.0.1\tTCP\t74\t443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 MSS=1460 WS=128\n" +
		"> 9\t0.020000\t10.0.0.1\t10.0.0.2\tTCP\t66\t[TCP Dup ACK 3#1] 40000 → 443 [ACK] Seq=1 Ack=1 Win=64256 Len=0\n" +
		"10\t0.030000\t10.0.0.1\t10.0.0.2\tTLSv1.2\t583\tClient Hello\n" +
		"11\t0.040000\t2001:db8::1\t2001:db8::2\tTCP\t66\t443 → 40000 [<None>] Seq=4294967295 Win=0 Len=2\n", `7 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
8 0.010000 10.0.0.2:443>10.0.0.1:40000 S. 0+0 1
9 0.020000 10.0.0.1:40000>10.0.0.2:443 . 1+0 1
10 0.030000 other
11 0.040000 [2001:db8::1]:443>[2001:db8::2]:40000 none 4294967295+2 0`},
	{"a tunnel", `
08:00:01.000000 IP 192.0.2.7.999 > 192.0.2.8.4789: VXLAN, flags [I] (0x08), vni 100
IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
08:00:02.000000 IP 192.0.2.7 > 192.0.2.8: GREv0, length 60: IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 64240, length 0
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
4 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001`},
}

func TestReader(t *testing.T) {
	for _, c := range texts {
		list, _ := read(t, c.text)
		if got := strings.Join(list, "\n"); got != c.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}
