package textcap

import (
	"strings"
	"testing"
)

// A text without packets is told what it is, whatever quotes it.
func TestOther(t *testing.T) {
	for line, want := range map[string]string{
		"[vs_0][fw_1] eth0:i[60]: 10.0.0.1 -> 10.0.0.2 (TCP) len=60 id=1234":                                             "fw monitor",
		"T 10.0.0.1:40000 -> 10.0.0.2:443 [AP] #5":                                                                       "ngrep",
		" #   size   timestamp     source             destination      dscp    protocol":                                 "monitor capture",
		"Ether / IP / TCP 10.0.0.1:40000 > 10.0.0.2:https S":                                                             "scapy",
		"Nov 28 08:00:01 gw kernel: IN=eth0 OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=60 TTL=64 ID=7 PROTO=TCP SPT=4000 DPT=80": "netfilter",
		"ETHERNET packet : [ 00:50:56:a1:00:01 -> 00:50:56:a1:00:02 ]  type 800  (IP)":                                   "ipreport",
		`#separator \x09`: "Zeek",
		`> {"timestamp":"2021-03-01T10:00:00.100000+0000","event_type":"flow","src_ip":"10.0.0.1"}`: "Suricata",
		"Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port":   "flow records",
		"State    Recv-Q    Send-Q       Local Address:Port         Peer Address:Port":              "--sockets",
		"Proto Recv-Q Send-Q Local Address           Foreign Address         State":                 "--sockets",
		"TCP:  ----- TCP Header -----":                                                                "snoop -V",
		"Frame 1: 74 bytes on wire (592 bits), 74 bytes captured (592 bits)":                          "pdml",
		"0000   00 50 56 a1 00 01 00 50 56 a1 00 02 08 00 45 00   .PV....PV.....E.":                   "text2pcap",
		"10.0.0.1.40000 > 10.0.0.2.443: Flags [S] is what the manual says":                            "",
		"the State of Recv-Q, and SRC=a DST=b without more":                                           "",
		"tcpdump prints IP 10.0.0.1.1 > 10.0.0.2.2: tcp 5, and FortiGate 1.1.1.1.1 -> 2.2.2.2.2: syn": "",
	} {
		if got := Other([]byte(line)); !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%q: %q", line, got)
		}
	}
}
