package textcap

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// oldSegment finds where a segment begins that tcpdump before 4.0 printed:
// "10.0.0.1.40000 > 10.0.0.2.80: S 123:123(0) win 5840". It returns the index of
// the colon, -1 if there is none.
func oldSegment(text string) int {
	arrow := strings.Index(text, " > ")
	if arrow < 0 {
		return -1
	}
	at := strings.Index(text[arrow:], ": ")
	if at < 0 {
		return -1
	}
	at += arrow
	flags, rest := cutOldFlags(text[at+2:])
	if flags == "" || strings.Trim(flags, "SFRPUEW.") != "" {
		return -1
	}
	if word, _ := cutWord(rest); word == "ack" || word == "win" || strings.Contains(word, ":") && strings.HasSuffix(word, ")") {
		return at
	}
	return -1
}

// cutOldFlags cuts off the flags, and with -v the verdict on the checksum: "S, cksum 0x1234 (correct), 1:1(0)",
// "S [tcp sum ok] 1:1(0)".
func cutOldFlags(s string) (flags, rest string) {
	flags, rest = cutWord(s)
	if cut, ok := strings.CutSuffix(flags, ","); ok {
		flags = cut
		if trimmed := strings.TrimLeft(rest, " "); strings.HasPrefix(trimmed, "cksum ") {
			_, rest, _ = strings.Cut(trimmed, ",")
		}
	} else if trimmed := strings.TrimLeft(rest, " "); strings.HasPrefix(trimmed, "[") {
		_, rest, _ = strings.Cut(trimmed, "]")
	}
	return flags, rest
}

// oldTCP reads what tcpdump before 4.0 printed: P 1:301(300) ack 1 win 7300 <nop>.
func (p *printed) oldTCP(s string) bool {
	flags, rest := cutOldFlags(s)
	ok := p.flags(flags)
	p.seg.Flags &^= reassembly.ACK // "." stands for no other flag; ack tells
	p.hasLen = true
	for ok && rest != "" {
		var word string
		word, rest = cutWord(rest)
		switch word = strings.TrimSuffix(word, ","); word {
		case "ack":
			p.ack, rest, ok = cutNumber(strings.TrimLeft(rest, " "))
			p.seg.Flags |= reassembly.ACK
		case "win":
			p.window, rest, ok = cutNumber(strings.TrimLeft(rest, " "))
			p.hasWin = true
		default:
			if list, found := strings.CutPrefix(word+rest, "<"); found {
				list, _, _ = strings.Cut(list, ">")
				p.tcpdumpOptions(list)
				return p.hasWin
			}
			seq, after, number := cutNumber(word)
			if number && strings.HasPrefix(after, ":") && !p.hasSeq {
				p.seq, p.hasSeq = seq, true
				if _, length, found := strings.Cut(after, "("); found {
					n, _ := leadingNumber(length, maxPayload)
					p.seg.Len = uint32(n)
				}
			}
		}
	}
	return ok && p.hasWin
}
