package textcap

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// pastes are forms in which people paste text: its printers, and what trackers, mail and terminals
// do to it.
var pastes = []struct {
	name, text, want string
}{
	{"colours of a terminal", "\x1b[1;31m08:00:01.000000\x1b[0m IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [\x1b[01;31m\x1b[KS\x1b[m\x1b[K], seq 7000, win 64240, length 0\n",
		`1 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0`},
	{"fences, entities and Windows' line ends", "```\r\n08:00:01.000000 IP 10.0.0.1.40000 &gt; 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0```\r\n" +
		"{noformat}08:00:02.000000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0{noformat}\r\n",
		`2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001`},
	{"blanks of a word processor", "08:00:01.000000\u00a0IP 10.0.0.1.40000\u00a0>\u00a010.0.0.2.443: Flags [S], seq 7000, win 64240, length 0\n",
		`1 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0`},
	{"behind the prefix of a log", `
Nov 28 09:00:01 web01 tcpdump[991]: 08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
2026-11-28T08:00:02.999Z 08:00:02.000000 eth0  In  IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0
sniffer-1  | 08:00:03.000000 IP (tos 0x0, ttl 64, id 9, offset 0, flags [DF], proto TCP (6), length 40)
sniffer-1  |     10.0.0.1.40000 > 10.0.0.2.443: Flags [.], cksum 0x1234 (correct), ack 1, win 502, length 0
at noon, 10.0.0.1.40000 > 10.0.0.2.443: Flags [R] is what the manual says
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
4 28803.000000 10.0.0.1:40000>10.0.0.2:443 . 7001+0 9001 guessed id 9 ttl 64`},
	{"wrapped by a terminal, within numbers", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 1234567890, win
 64240, options [mss 1460,sackOK], length 0
08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 987654321, ack
 1234567891, win 65160, options [mss 1460], length 0
08:00:01.020000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 1234567891:123
4567991, ack 987654322, win 502, options [nop,nop,TS val 111 ecr 222], length 10
0
2 packets captured
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 1234567890+0 0
4 28801.010000 10.0.0.2:443>10.0.0.1:40000 S. 987654321+0 1234567891
6 28801.020000 10.0.0.1:40000>10.0.0.2:443 P. 1234567891+100 987654322`},
	{"wrapped by a terminal, with -v and -e", `
08:00:01.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800),
length 64: (tos 0x0, ttl 64, id 21997, offset 0, flags [DF], proto TCP (6), leng
th 50)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], cksum 0xad49 (correct), seq 70011
23:7001133, ack 9001, win 502, length 10
08:00:02.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800),
length 64: (tos 0x0, ttl 64, id 219, offset 0, flags [DF], proto TCP (6), length
 50)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], cksum 0xad49 (correct), seq 70011
33:7001143, ack 9001, win 502, length 10
08:00:03.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800),l
ength 64: 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 7001143:7001153, ack 90
01, win 502, length 10
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001123+10 9001 id 21997 ttl 64 mac
7 28802.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001133+10 9001 id 219 ttl 64 mac
12 28803.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001143+10 9001 mac`},
	{"wrapped by a terminal, within an address", `
08:00:03.000000 02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype IPv4 (0x0800), length 64: 10.0.0.
1.40000 > 10.0.0.2.443: Flags [P.], seq 7001143:7001153, ack 9001, win 502, length 10
`, `2 28803.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001143+10 9001 mac`},
	{"-v behind a log's time", `
2026-11-28T08:00:02.999Z 08:00:01.000000 IP (tos 0x0, ttl 64, id 9, offset 0, flags [DF], proto TCP (6), length 40)
2026-11-28T08:00:02.999Z     10.0.0.1.40000 > 10.0.0.2.443: Flags [S], cksum 0x1234 (correct), seq 7000, win 502, length 0
2026-11-28T08:00:02.999Z 08:00:02.000000 02:00:00:00:00:02 > 02:00:00:00:00:01, ethertype IPv4 (0x0800), length 54: (tos 0x0, ttl 60, id 7, offset 0, flags [DF], proto TCP (6), length 40)
2026-11-28T08:00:02.999Z     10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], cksum 0x1234 (correct), seq 9000, ack 7001, win 502, length 0
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 id 9 ttl 64
4 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001 id 7 ttl 60 mac`},
	{"bytes behind the prefix of a log", `
gw tcpdump[9]: 08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
gw tcpdump[9]: ` + "\t" + `0x0000:  4500 0028 0001 4000 4006 0000 0a00 0001  E..(..@.@.......
gw tcpdump[9]: ` + "\t" + `0x0010:  0a00 0002 9c40 01bb 0000 1b58 0000 0000  .....@.....X....
gw tcpdump[9]: ` + "\t" + `0x0020:  5002 faf0 0000 0000                      P.......
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 id 1 ttl 64`},
	{"the last line before tcpdump's own", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 4000000000:4000000010, ack 3000000001, win 502, length 10
3 packets captured
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 P. 4000000000+10 3000000001`},
	{"cut at the edge of a screen", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, options [mss 1460,wscale 1...
08:00:02.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 7001:7101, ack 9001, win 50...
08:00:03.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 7101:7201, ack 90…
08:00:04.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [P.], seq 7201:73
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001+100 9001 no window
4 28803.000000 other
5 28804.000000 other`},
	{"lists, a diff and Markdown's escapes", `
- 08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
* ` + "`08:00:02.000000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0`" + `
+08:00:03.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [.], ack 1, win 502, length 0
+ 08:00:04.000000 IP 10.0.0.1.40000 \> 10.0.0.2.443: Flags \[P.\], seq 1:11, ack 1, win 502, length 10
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
4 28803.000000 10.0.0.1:40000>10.0.0.2:443 . 7001+0 9001 guessed
5 28804.000000 10.0.0.1:40000>10.0.0.2:443 P. 7001+10 9001`},
	{"tags of a web page", `
<div class="line">08:00:01.000000 IP 10.0.0.1.40000 <span class="o">&gt;</span> 10.0.0.2.443: Flags <b>[S]</b>, seq 7000, win 64240, length 0<br>
08:00:02.000000 IP 10.0.0.2.443 &gt; 10.0.0.1.40000: S 9000:9000(0) ack 7001 win 65160 <mss 1460> (DF)<br/></div>
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001`},
	{"a table of Markdown", `
| No. | Time | Source | Destination | Protocol | Length | Info |
|---|---|---|---|---|---|---|
| 3 | 0.000000 | 10.0.0.1 | 10.0.0.2 | TCP | 74 | 40000 → 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 |
| 4 | 0.010000 | 10.0.0.2 | 10.0.0.1 | TCP | 74 | 443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0 |
`, `3 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
4 0.010000 10.0.0.2:443>10.0.0.1:40000 S. 0+0 1`},
	{"a DNS message whose ID follows the length", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.53: Flags [P.], seq 7001:7046, ack 9001, win 502, length 4531547+ [1au] SOA? example. (43)
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:53 P. 7001+45 9001`},
	{"addresses that somebody edited", `
08:00:01.000000 IP 10.0.0.1:40000 > <server>.443: Flags [S], seq 7000, win 64240, length 0
08:00:02.000000 IP <server>.443 > 10.0.0.1:40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0
08:00:03.000000 IP6 [2001:db8::2]:40000 > [2001:db8::1]:443: Flags [S], seq 9000, win 65160, length 0
`, `2 28801.000000 10.0.0.1:40000>192.0.2.1:443 S 7000+0 0
3 28802.000000 192.0.2.1:443>10.0.0.1:40000 S. 9000+0 7001
4 28803.000000 [2001:db8::2]:40000>[2001:db8::1]:443 S 9000+0 0`},
	{"OpenBSD, without a year", `
Dec 31 23:59:59.500000 10.0.0.1.40000 > 10.0.0.2.443: S 7000:7000(0) win 16384 <mss 1460,nop,nop,sackOK,nop,wscale 6,nop,nop,timestamp 3862450 0> (DF)
Jan  1 00:00:00.500000 rule 5/(match) pass out on em0: 10.0.0.2.443 > 10.0.0.1.40000: S 9000:9000(0) ack 7001 win 16384 <mss 1460> (DF)
`, `2 31535999.500000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 31536000.500000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001`},
	{"tcpdump -t behind the time of a log", `
Jan  2 09:00:01 web01 tcpdump[991]: IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
Jan  2 09:00:02 web01 tcpdump[991]: IP (tos 0x0, ttl 60, id 7, offset 0, flags [DF], proto TCP (6), length 40)
Jan  2 09:00:02 web01 tcpdump[991]:     10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], cksum 0x1234 (correct), seq 9000, ack 7001, win 502, length 0
`, `2 118801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 118802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001 id 7 ttl 60`},
	{"dates of other programs", `
2001-01-01T09:00:01.5+01:00 web01 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
2001-01-01T09:00:02+0100 web01 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 64240, length 0
      7 Jan  1, 2001 08:00:03.500000000 CET   10.0.0.1   10.0.0.2   TCP   66   40001 → 443 [SYN] Seq=0 Win=64240 Len=0
`, `2 28801.500000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28802.000000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
7 28803.500000 10.0.0.1:40001>10.0.0.2:443 S 0+0 0`},
	{"what grep leaves of tcpdump -v", `
    10.0.0.1.40000 > 10.0.0.2.443: Flags [S], cksum 0x1234 (correct), seq 7000, win 502, length 0
    10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], cksum 0x1234 (correct), seq 9000, ack 7001, win 502, length 0
rtsg.login > csam.1023: S 768512:768512(0) win 4096 <mss 1024>

10.0.0.1.40000 > 10.0.0.2.443: Flags [R] is what the manual says
`, `2 0.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 0.000001 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
4 0.000002 192.0.2.1:513>192.0.2.2:1023 S 768512+0 0`},
	{"tcpdump -t -v", `
IP (tos 0x0, ttl 60, id 7, offset 0, flags [DF], proto TCP (6), length 40)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [S], cksum 0x1234 (correct), seq 7000, win 502, length 0
IP (tos 0x0, ttl 64, id 0, offset 0, flags [none], proto ICMP (1), length 56)
    10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 tcp port 443 unreachable, length 36
	IP (tos 0x0, ttl 60, id 7, offset 0, flags [DF], proto TCP (6), length 40)
    10.0.0.1.40000 > 10.0.0.2.443: Flags [S], cksum 0x1234 (correct), seq 7000, win 502, length 0
`, `2 0.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 id 7 ttl 60
4 0.000001 other guessed id 7 ttl 60`},
	{"grep -n, grep with the name of the file, and no blanks around the arrow", `
123:08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, length 0
dump-2.txt:08:00:01.010000 IP 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0
dump-2.txt-9-2001-01-01 08:00:01.020000 IP 10.0.0.1.40000>10.0.0.2.443: Flags [P.], seq 1:11, ack 1, win 502, length 10
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0
3 28801.010000 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001
4 28801.020000 10.0.0.1:40000>10.0.0.2:443 P. 7001+10 9001`},
	{"Wireshark's packet list with names, and without times", `
No.	Time	Source	Destination	Protocol	Length	Info
1	0.000000	client.example	server.example	TCP	74	40000 → 443 [SYN] Seq=0 Win=64240 Len=0
2	0.010000	server.example	client.example	TCP	74	443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0
`, `1 0.000000 192.0.2.1:40000>192.0.2.2:443 S 0+0 0
2 0.010000 192.0.2.2:443>192.0.2.1:40000 S. 0+0 1`},
	{"Wireshark 1.12 and 2.0, without blanks around the arrow, and what a web page made of it", `
      1 0.000000       10.0.0.1              10.0.0.2              TCP      74     40000→443 [SYN] Seq=0 Win=64240 Len=0
2	0.010000	Server	Client	TCP	443-40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0
`, `1 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
2 0.010000 192.0.2.1:443>192.0.2.2:40000 S. 0+0 1`},
	{"some columns of Wireshark's packet list", `
10.0.0.1	10.0.0.2	TCP	74	40000 → 443 [SYN] Seq=0 Win=64240 Len=0
10.0.0.2	10.0.0.1	TCP	74	443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0
`, `2 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
3 0.000001 10.0.0.2:443>10.0.0.1:40000 S. 0+0 1`},
	{"FortiGate, ICMP", `
2.661567 VPN to HQ out 10.0.0.1.51000 -> 10.0.0.2.443: syn 1000
2.661600 VPN to HQ in 10.0.0.2 -> 10.0.0.1: icmp: 10.0.0.2 tcp port 443 unreachable
`, `2 2.661567 10.0.0.1:51000>10.0.0.2:443 S 1000+0 0 guessed mac no window
3 2.661600 other`},
	{"payload of -A", `
08:00:01.000000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 7001:7021, ack 9001, win 502, length 20: HTTP: GET / HTTP/1.1
E..<..@.@...
.......P..Y#...>P....o..GET / HTTP/1.1
Host: x

08:00:02.000000 IP 10.0.0.2.80 > 10.0.0.1.40000: Flags [.], ack 7021, win 502, length 0
E..(..@.@...
`, `2 28801.000000 10.0.0.1:40000>10.0.0.2:80 P. 7001+20 9001
7 28802.000000 10.0.0.2:80>10.0.0.1:40000 . 9001+0 7021 guessed`},
	{"Cisco ASA", `
fw# show capture CAP

4 packets captured

   1: 08:00:01.000000       10.0.0.1.40000 > 10.0.0.2.443: S 3624439037:3624439037(0) win 8192 <mss 1460,nop,nop,sackOK>
   2: 08:00:01.010000       802.1Q vlan#10 P0 10.0.0.2.443 > 10.0.0.1.40000: S 285283040:285283040(0) ack 3624439038 win 8192 <mss 1380>
   3: 08:00:01.020000       10.0.0.1.40000 > 10.0.0.2.443: . ack 285283041 win 512
   4: 08:00:01.030000       10.0.0.1.40000 > 10.0.0.2.443: P 3624439038:3624439048(10) ack 285283041 win 512 Drop-reason: (acl-drop) Flow is denied by configured rule
4 packets shown
`, `1 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 3624439037+0 0
2 28801.010000 10.0.0.2:443>10.0.0.1:40000 S. 285283040+0 3624439038
3 28801.020000 10.0.0.1:40000>10.0.0.2:443 . 3624439038+0 285283041 guessed
4 28801.030000 10.0.0.1:40000>10.0.0.2:443 P. 3624439038+10 285283041`},
	{"Cisco ASA, detail", `
   1: 08:00:01.000000 0050.56a1.0001 0050.56a1.0002 0x0800 Length: 66
      10.0.0.1.40000 > 10.0.0.2.443: S [tcp sum ok] 3624439037:3624439037(0) win 8192 <mss 1460> (DF) (ttl 128, id 23)
`, `1 28801.000000 10.0.0.1:40000>10.0.0.2:443 S 3624439037+0 0 id 23 ttl 128`},
	{"Juniper", `
user@host> monitor traffic interface ge-0/0/0 no-resolve
Listening on ge-0/0/0, capture size 96 bytes

08:00:01.000000  In IP 10.0.0.1.40000 > 10.0.0.2.179: S 3624439037:3624439037(0) win 16384 <mss 1460>
08:00:01.010000 Out IP truncated-ip - 20 bytes missing! 10.0.0.2.179 > 10.0.0.1.40000: S 285283040:285283040(0) ack 3624439038 win 16384
08:00:01.020000 Out IP (tos 0xc0, ttl   1, id 991, offset 0, flags [none], proto: TCP (6), length: 59) 10.0.0.2.179 > 10.0.0.1.40000: P, cksum 0x70a2 (correct), 285283041:285283060(19) ack 3624439038 win 16384
`, `5 28801.000000 10.0.0.1:40000>10.0.0.2:179 S 3624439037+0 0
6 28801.010000 10.0.0.2:179>10.0.0.1:40000 S. 285283040+0 3624439038
7 28801.020000 10.0.0.2:179>10.0.0.1:40000 P. 285283041+19 3624439038 id 991 ttl 1`},
	{"pktmon", `
08:00:01.123456700 PktGroupId 281474976710657, PktNumber 1, Appearance 1, Direction Tx , Type Ethernet , Component 20, Edge 1, Filter 1, OriginalSize 66, LoggedSize 66
	00-15-5D-00-00-01 > 00-15-5D-00-00-02, ethertype IPv4 (0x0800), length 66: 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, options [mss 1460,nop,wscale 8,nop,nop,sackOK], length 0
08:00:01.123457700 PktGroupId 281474976710657, PktNumber 1, Appearance 2, Direction Tx , Type Ethernet , Component 21, Edge 1, Filter 1, OriginalSize 66, LoggedSize 66
	00-15-5D-00-00-01 > 00-15-5D-00-00-02, ethertype IPv4 (0x0800), length 66: 10.0.0.1.40000 > 10.0.0.2.443: Flags [S], seq 7000, win 64240, options [mss 1460,nop,wscale 8,nop,nop,sackOK], length 0
` + "[00]0004.0008::2021\u200e-\u200e03\u200e-\u200e01 08:00:02.123457700 [Microsoft-Windows-PktMon] PktGroupId 3, PktNumber 1, Appearance 1, Direction Rx , Type Ethernet\n" +
		`	00-15-5D-00-00-02 > 00-15-5D-00-00-01, ethertype IPv4 (0x0800), length 66: 10.0.0.2.443 > 10.0.0.1.40000: Flags [S.], seq 9000, ack 7001, win 65160, length 0
`, `2 28801.123457 10.0.0.1:40000>10.0.0.2:443 S 7000+0 0 mac
6 636278402.123458 10.0.0.2:443>10.0.0.1:40000 S. 9000+0 7001 mac`},
	{"Solaris snoop", `
  1   0.00000     10.0.0.1 -> 10.0.0.2     TCP D=443 S=40000 Syn Seq=3624439037 Len=0 Win=49640 Options=<mss 1460,nop,wscale 0,nop,nop,sackOK>
  2   0.00012     10.0.0.2 -> 10.0.0.1     TCP D=40000 S=443 Syn Ack=3624439038 Seq=285283040 Len=0 Win=49640 Options=<mss 1460>
  3   0.00001     10.0.0.1 -> 10.0.0.2     TCP D=443 S=40000 Ack=285283041 Seq=3624439038 Len=0 Win=49640
  4   0.00050     10.0.0.1 -> 10.0.0.2     HTTP GET / HTTP/1.0
  5   1.00001     10.0.0.1 -> 10.0.0.2     TCP D=443 S=40000 Rst Ack=285283041 Seq=3624439038 Len=0 Wi
`, `1 0.000000 10.0.0.1:40000>10.0.0.2:443 S 3624439037+0 0
2 0.000120 10.0.0.2:443>10.0.0.1:40000 S. 285283040+0 3624439038
3 0.000130 10.0.0.1:40000>10.0.0.2:443 . 3624439038+0 285283041
4 0.000630 other
5 1.000640 other`},
	{"Solaris snoop -V", `
________________________________
  1   0.00000       client -> server       ETHER Type=0800 (IP), size = 62 bytes
  1   0.00000       client -> server       IP  D=10.0.0.2 S=10.0.0.1 LEN=48, ID=7, TOS=0x0, TTL=64
  1   0.00000       client -> server       TCP D=443 S=40000 Syn Seq=3624439037 Len=0 Win=49640 Options=<nop,nop,sackOK,mss 1460>
________________________________
  2   0.00100       server -> client       ETHER Type=0800 (IP), size = 62 bytes
  2   0.00100       server -> client       IP  D=10.0.0.1 S=10.0.0.2 LEN=48, ID=9, TOS=0x0, TTL=60
  2   0.00100       server -> client       TCP D=40000 S=443 Fin Rst Push Urg Ack=3624439038 Seq=285283040 Len=7 Win=49640
  2   0.00100       server -> client       HTTP R port=443
`, `1 0.000000 10.0.0.1:40000>10.0.0.2:443 S 3624439037+0 0 id 7 ttl 64
2 0.001000 10.0.0.2:443>10.0.0.1:40000 FRPU. 285283040+7 3624439038 id 9 ttl 60`},
	{"Wireshark's CSV", `
"No.","Time","Source","Destination","Protocol","Length","Info"
"7","0.000000","10.0.0.1","10.0.0.2","TCP","74","40000  >  443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460 ""x"""
"8","0.010000","10.0.0.2","10.0.0.1","TCP","74","443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0"
"9","2021-03-01 10:00:00.100000","10.0.0.1","10.0.0.2","HTTP","174","GET /a,b HTTP/1.1"
`, `7 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
8 0.010000 10.0.0.2:443>10.0.0.1:40000 S. 0+0 1
9 636285600.100000 other`},
	{"tshark where fractions begin with a comma", `
    1   0,000000     10.0.0.1 → 10.0.0.2     TCP 74 40000 → 443 [SYN] Seq=0 Win=64240 Len=0 MSS=1460
    2   0,010000     10.0.0.2 → 10.0.0.1     TCP 74 443 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=65160 Len=0
    3   0,020000     10.0.0.1 → 10.0.0.2     TCP 66 40000 → 443 [ACK] Seq=1 Ack=1 Win=64…
    4   0,030000     10.0.0.1 → 10.0.0.2     TCP 66 40000 → 443 [ACK] Seq=1 Ack=1
`, `1 0.000000 10.0.0.1:40000>10.0.0.2:443 S 0+0 0
2 0.010000 10.0.0.2:443>10.0.0.1:40000 S. 0+0 1
3 0.020000 10.0.0.1:40000>10.0.0.2:443 . 1+0 1 no window
4 0.030000 other`},
}

// besides says what else a text tells of a segment, or does not.
func besides(fr *Frame, seg *reassembly.Segment) (s string) {
	if seg.Src.Port == 0 {
		return ""
	}
	if fr.Missing&reassembly.MissingIP == 0 {
		s = fmt.Sprintf(" id %d ttl %d", seg.IPID, seg.TTL)
	}
	if fr.Link == linkEthernet {
		s += " mac"
	}
	if fr.Missing&reassembly.MissingWindow != 0 {
		s += " no window"
	}
	return s
}

func TestReader_pastes(t *testing.T) {
	for _, c := range pastes {
		list, _ := read(t, c.text, besides)
		if got := strings.Join(list, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
		for line := range strings.Lines(c.text) { // an excerpt is recognised by any of its packets
			if f := start(clean([]byte(strings.TrimRight(line, "\r\n")))); f != nil && !Is([]byte(line)) {
				t.Errorf("%s: not recognised by %q", c.name, line)
			}
		}
	}
}
