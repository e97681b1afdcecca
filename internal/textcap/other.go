package textcap

import (
	"regexp"
	"sync"
)

// An other is such a text, and what it is.
type other struct {
	line *regexp.Regexp
	what string
}

// others are texts that people try to read, and what to do about them. They have no
// sequence numbers, or are no packets at all.
var others = sync.OnceValue(func() []other {
	return []other{
		{regexp.MustCompile(`:[iIoOeE]\[\d+\]: \S+ -> \S+ \(TCP\)`), "this is what Check Point's fw monitor prints; let it write a file (fw monitor -o FILE), which is a snoop capture"},
		{regexp.MustCompile(`^\s*[TU] (\S+ \S+ )?\S+:\d+ -> \S+:\d+ \[[A-Z]*\]`), "this is what ngrep prints, without sequence numbers; let it write a capture (ngrep -O FILE)"},
		{regexp.MustCompile(`^\s*#\s+size\s+timestamp\s+source\s+destination`), "this is the brief buffer of Cisco's monitor capture, without ports and flags; export the capture (monitor capture NAME export flash:FILE)"},
		{regexp.MustCompile(`^\s*#\s+TIME\s+(NUM\s+\S+\s+)?INTERFACE\s`), "this is what MikroTik's sniffer prints, without sequence numbers; let it write a file (/tool sniffer set file-name=FILE), which is a capture"},
		{regexp.MustCompile(`\bIP / TCP \S+ > \S+ [A-Z]+`), "this is a summary of scapy, without sequence numbers; write the packets (wrpcap)"},
		{regexp.MustCompile(`\bSRC=\S+ DST=\S+ .*PROTO=TCP SPT=\d+`), "this is a log of netfilter, not a capture; capture at the same place (tcpdump -w FILE)"},
		{regexp.MustCompile(`^ETHERNET packet : \[`), "this is what AIX ipreport prints; give the iptrace file that it was made of to editcap (editcap -F pcapng FILE out.pcapng)"},
		{regexp.MustCompile(`^#separator \\x09`), "this is a log of Zeek, not a capture; give the capture that Zeek read"},
		{regexp.MustCompile(`"event_type"\s*:\s*"`), "these are events of Suricata, not packets; give the capture that Suricata read"},
		{regexp.MustCompile(`^(Date first seen|Start Time\s+Duration)`), "these are flow records, not packets"},
		{regexp.MustCompile(`^(Netid\s+)?State\s+Recv-Q\s+Send-Q|^Proto\s+Recv-Q\s+Send-Q|^\s*Proto\s+Local Address`), "these are sockets of a host (ss, netstat); give what ss -tanpeio prints beside a capture (--sockets FILE)"},
		{regexp.MustCompile(`^TCP:\s+-+ TCP Header -+`), "this is what snoop -v prints; print one line for each packet (snoop -r, or snoop -V), or give its capture file"},
		{regexp.MustCompile(`^Frame \d+: \d+ bytes on wire`), "this is what tshark -V prints, or Wireshark's packet details; print them as tshark -T pdml, or save the packets"},
	}
})

// Other says what a text is of which a line is known, and what to do, "" if nothing is known. Bytes
// without a line before them that begins a packet are such a text, too.
func Other(line []byte) string {
	s := clean(line)
	for _, o := range others() {
		if o.line.MatchString(s) {
			return o.what
		}
	}
	if _, b, ok := hexLine(s); ok && len(b) == 16 {
		return "these are bytes without the line that says when a packet was captured; convert them: text2pcap FILE out.pcap"
	}
	return ""
}
