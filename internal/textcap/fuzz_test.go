package textcap

import (
	"strings"
	"testing"
)

// seeds are a line or more of each printer.
var seeds = []string{
	"08:53:26.560686 IP 10.77.1.1.44666 > 10.77.1.2.5000: Flags [S], seq 1768651650, win 7300, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 0], length 0\n",
	"08:53:26.560737 IP (tos 0x0, ttl 64, id 21998, offset 0, flags [DF], proto TCP (6), length 52)\n" +
		"    10.77.1.1.44666 > 10.77.1.2.5000: Flags [.], cksum 0xad49 (correct), seq 1, ack 1, win 7300, options [nop,nop,sack 1 {5:9}], length 0\n",
	"> 1 2026-11-21 08:53:26.560686 82:a8:99:57:9c:9f > 7e:4d:dc:c4:59:c2, ethertype 802.1Q (0x8100), length 78: vlan 7, p 0, ethertype IPv4 (0x0800), 10.77.1.1.44666 > 10.77.1.2.5000: Flags [R.], seq 0, ack 1, win 0, length 0\n",
	" 00:00:00.000000 IP6 (flowlabel 0x1, hlim 64, next-header TCP (6) payload length: 40) ::1.40 > ::1.443: Flags [F], seq 1:5, win 1, length 4\n",
	"1795251206.5 IP a.http > b.40: P 1:4(3) ack 1 win 7 <nop,mss 9>\n\t0x0000:  4500 003c 55ed 4000 4006 ce32 0a4d 0101  E..<\n\t0x0010:  0a4d 0102\n",
}

// FuzzReader: whatever the text is, reading ends, frames are numbered, and headers
// fit their lengths.
func FuzzReader(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Add(strings.Join(seeds, ""))
	for _, p := range pastes {
		f.Add(p.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := NewReader(strings.NewReader(text))
		var fr Frame
		var num uint32
		for r.Next(&fr) == nil {
			if fr.Num <= num || fr.Len < len(fr.Data) || fr.At < 0 || len(fr.Data) == 0 {
				t.Fatalf("after frame %d: %+v", num, fr)
			}
			num = fr.Num
		}
		r.Warnings()
	})
}
