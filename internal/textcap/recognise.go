package textcap

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strconv"
	"strings"
	"sync"
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
	if f := startPktmon(p, line); f != nil {
		return f
	}
	if f := startAt(p, unquoteCSV(line)); f != nil {
		return f
	}
	return startBehind(line)
}

// startAt recognises a packet whose frame number or time, if there is one, the line begins with.
func startAt(p *printed, line string) *found {
	rest := line
	word, more := cutWord(rest)
	if number := strings.TrimSuffix(word, ":"); isDigits(number) && more != "" { // tcpdump -#, tshark; Cisco with a colon
		if n, err := strconv.ParseUint(number, 10, 32); err == nil {
			p.num, rest = uint32(n), more
		}
	}
	p.stamp, rest = cutStamp(rest)
	if own, after := cutStamp(rest); own.kind != noStamp { // the first is that of a log
		p.stamp, rest = own, after
	}
	if rest = strings.TrimLeft(rest, " \t"); strings.HasPrefix(rest, "> ") {
		return nil // what looks like a time is the end of an address
	}
	if startsTcpdump(rest) && (p.stamp.kind != noStamp || startsUntimed(rest)) {
		return &found{p, "tcpdump", rest, (*Reader).tcpdump}
	}
	if startsSnoop(rest) && (p.num != 0 || p.stamp.kind != noStamp) {
		return &found{p, "snoop-text", rest, (*Reader).snoop}
	}
	if startsFortiGate(rest) && p.stamp.kind != noStamp {
		return &found{p, "fortigate", rest, (*Reader).fortigate}
	}
	if startsSummary(rest) && (p.num != 0 || p.stamp.kind != noStamp || strings.Contains(rest, "] Seq=")) {
		return &found{p, "tshark", rest, (*Reader).summary}
	}
	return nil
}

// startBehind recognises a segment of tcpdump behind what a log writes before each line: its own time,
// a host, a program, a container.
func startBehind(line string) *found {
	const most = 8 // words
	if !strings.Contains(line, ": Flags [") && !isHeaderOnly(line) {
		return nil
	}
	if at := grepMark().FindStringSubmatchIndex(line); at != nil {
		if f := startAt(new(printed), line[at[3]:]); f != nil {
			return f
		}
	}
	_, rest := cutWord(line)
	for range most {
		p := new(printed)
		if f := startAt(p, rest); f != nil && f.printer == "tcpdump" && p.stamp.kind != noStamp {
			return f
		}
		_, rest = cutWord(rest)
	}
	s, rest, _ := cutMonth(line) // of the log alone, as with tcpdump -t
	if s.kind == noStamp {
		s, rest = cutStamp(line)
	}
	for range most {
		if s.kind != fromYear && s.kind != fromDate {
			return nil
		}
		_, rest = cutWord(rest)
		if rest = strings.TrimLeft(rest, " "); strings.HasPrefix(rest, "IP") && startsUntimed(rest) {
			return &found{&printed{stamp: s}, "tcpdump", rest, (*Reader).tcpdump}
		}
	}
	return nil
}

// grepMark is what grep writes before a line: its number, the name of its file, or both.
var grepMark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(\S*?[:-])([0-9]{4}-[0-9]{2}-[0-9]{2} )?[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]`)
})

// isHeaderOnly reports whether a text is what tcpdump -v prints of an IP header in a line of its own.
func isHeaderOnly(text string) bool {
	return (strings.Contains(text, " (tos ") || strings.Contains(text, "hlim ")) && strings.HasSuffix(text, ")") && !strings.Contains(text, ": Flags [")
}

// unquoteCSV is a line of a packet list that was exported as CSV, with tabs between its columns.
func unquoteCSV(line string) string {
	if !strings.HasPrefix(line, `"`) || !strings.Contains(line, `","`) {
		return line
	}
	columns, err := csv.NewReader(strings.NewReader(line)).Read()
	if err != nil {
		return line
	}
	return strings.Join(columns, "\t")
}

// startsUntimed reports whether a line without a time begins a packet, as with
// tcpdump -t. The second line of -v does not.
func startsUntimed(rest string) bool {
	word, after := cutWord(rest)
	return (word == "IP" || word == "IP6") && !strings.HasPrefix(rest, " ") && strings.Contains(after, " > ") ||
		word == "IP" && strings.HasPrefix(strings.TrimLeft(after, " "), "(tos ") || word == "IP6" && strings.HasPrefix(strings.TrimLeft(after, " "), "(") ||
		isMAC(word) && strings.Contains(after, "ethertype") || startsSegment(rest)
}

// startsSegment reports whether a line is nothing but a segment: the second line of tcpdump -v, which is all
// that grep leaves, or what tcpdump 3 printed with -t.
func startsSegment(rest string) bool {
	_, after := cutWord(rest)
	dst, isArrow := strings.CutPrefix(after, " > ")
	if !isArrow {
		return false
	}
	dst, after = cutWord(dst)
	if !strings.HasSuffix(dst, ":") {
		return false
	}
	return strings.HasPrefix(after, " Flags [") && strings.Contains(after, ", length ") || oldSegment(rest) >= 0 && strings.Contains(after, " win ")
}

// Is reports whether a line begins a packet that can be read.
func Is(line []byte) bool {
	return start(clean(bytes.TrimRight(line, "\r\n"))) != nil
}

func (r *Reader) tcpdump(p *printed, text string) { r.names.tcpdump(p, text) }
