package textcap

import "strings"

// startPktmon recognises what Windows' pktmon etl2txt prints of a packet: its group, number and
// appearance, and in the next line what tcpdump -e would print. A packet appears at each component of the
// system that it passes; the first counts.
func startPktmon(p *printed, line string) *found {
	head, rest, ok := strings.Cut(line, "PktGroupId ")
	if !ok || !strings.Contains(rest, "PktNumber ") {
		return nil
	}
	if _, after, ok := strings.Cut(head, "::"); ok { // [0]0004.0008::2021-03-01 10:00:00.123456700 [Microsoft-Windows-PktMon]
		head = after
	}
	if p.stamp, _ = cutStamp(head); p.stamp.kind == noStamp {
		return nil
	}
	appearance, known := numberAfter(rest, "Appearance ", 1<<32)
	p.skip = known && appearance != 1
	return &found{p, "pktmon", rest, (*Reader).pktmon}
}

func (r *Reader) pktmon(p *printed, text string) {
	if at := strings.Index(text, ", ethertype "); at >= 0 {
		dst := strings.LastIndex(text[:at], " > ")
		src := strings.LastIndexByte(text[:max(dst, 0)], ' ') + 1
		text = strings.ReplaceAll(text[src:at], "-", ":") + text[at:]
	}
	r.names.tcpdump(p, text)
}
