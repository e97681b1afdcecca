package textcap

import (
	"strconv"
	"strings"
)

// found is the first line of a packet.
type found struct {
	*printed
	printer string
	rest    string // of the line, after what packet has
	parse   func(*Reader, *printed, string)
}

// start recognises the first line of a packet of any printer. It returns nil for
// any other line.
func start(line string) *found {
	p := new(printed)
	if printer := startsFields(line); printer != "" {
		p.fields(line)
		return &found{p, printer, "", nil}
	}
	rest := line
	if word, more := cutWord(line); isDigits(word) && more != "" { // tcpdump -#, tshark
		if n, err := strconv.ParseUint(word, 10, 32); err == nil {
			p.num, rest = uint32(n), more
		}
	}
	p.stamp, rest = cutStamp(rest)
	rest = strings.TrimLeft(rest, " \t")
	if startsTcpdump(rest) && (p.stamp.kind != noStamp || startsUntimed(rest)) {
		return &found{p, "tcpdump", rest, (*Reader).tcpdump}
	}
	if startsFortiGate(rest) && p.stamp.kind != noStamp {
		return &found{p, "fortigate", rest, (*Reader).fortigate}
	}
	if startsSummary(rest) && (p.num != 0 || p.stamp.kind != noStamp) {
		return &found{p, "tshark", rest, (*Reader).summary}
	}
	return nil
}

// startsUntimed reports whether a line without a time begins a packet, as with
// tcpdump -t. The second line of -v does not.
func startsUntimed(rest string) bool {
	word, after := cutWord(rest)
	return (word == "IP" || word == "IP6") && !strings.HasPrefix(rest, " ") && strings.Contains(after, " > ") ||
		word == "IP" && strings.HasPrefix(strings.TrimLeft(after, " "), "(tos ") || word == "IP6" && strings.HasPrefix(strings.TrimLeft(after, " "), "(") ||
		isMAC(word) && strings.Contains(after, "ethertype")
}

// Is reports whether a line begins a packet that can be read.
func Is(line []byte) bool {
	return start(string(unquote(line))) != nil
}

func (r *Reader) tcpdump(p *printed, text string) { r.names.tcpdump(p, text) }
