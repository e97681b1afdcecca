package metamorphic

import (
	"slices"
	"strings"
	"testing"
)

// A snap length of 96 bytes loses nothing, and payload adds nothing.
func TestPayloadKeptOrCut(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		whole := changed(c.frames, (*frame).fill)
		checkExactly(t, c, whole)
		for i := range whole {
			if f := &whole[i]; !f.other && len(f.mac)+len(f.tags)+2+f.header()+f.optionsEnd() > 96 {
				return // IPv6, or tags, and all options
			}
		}
		checkExactly(t, c, snapped(whole, 96))
	})
}

// A snap length that cuts options adds a limit, and loses what the options say,
// such as whether a doubtful RST was within a scaled window. The findings stay. 60
// bytes leave six bytes of the options in an IPv4 packet.
func TestOptionsCut(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		if strings.Contains(t.Name(), "/options.txtar/") || c.quoted() { // where options decide, or an MTU
			return
		}
		for snap := 0; snap <= 10; snap += 2 {
			rep, err := analyse(plain.pcap(changed(c.frames, func(f *frame) { f.cut(f.header() + 20 + snap) })))
			if err != nil {
				t.Fatal(err)
			}
			whole, less := lessSACK(c.plain.findings, summarise(rep, nil).findings)
			compare(t, lessOptions(whole), lessOptions(less))
		}
	})
}

// lessOptions leaves out what only options show: which SYN was answered, what a
// sender retransmitted and whether that was unnecessary (SACK and timestamps), how
// many bytes a receiver is missing and that what follows them had arrived (SACK), and how large a window is (window scale).
func lessOptions(findings []string) (less []string) {
	const syn = "syn-unanswered "
	needs, without := false, []string{
		"retransmissions", "reordering", "sack-mismatch", "paws-drops", "window-shrunk", "window-overrun", "small-window", "forged-reset",
		"dropped-behind-tap", "throughput-limited", "slow-response",
	}
	resets := []string{"reset-cause unexplained undecided", "reset-cause out-of-window", "reset-cause suspected-injection", "reset-cause half-open", "reset-cause unread-data"}
	for i, line := range findings {
		if line[0] != ' ' { // a finding begins
			slug, _, _ := strings.Cut(line, " ")
			needs = slices.Contains(without, slug) || slices.ContainsFunc(resets, func(r string) bool { return strings.HasPrefix(line, r) })
		}
		if needs {
			continue
		}
		line = strings.Replace(line, " or something on the path drops these bytes (what follows them had arrived, as its ACKs show),", "", 1)
		if rest, is := strings.CutPrefix(line, syn+"timestamps"); is {
			line = syn + "answered-late" + rest
		}
		if i > 0 && (strings.HasPrefix(findings[i-1], syn) || strings.HasPrefix(findings[i-1], "zero-window-probe-loop ") || strings.HasPrefix(findings[i-1], "fin-over-hole ")) { // the message
			continue
		}
		less = append(less, line)
	}
	return less
}

// lessSACK leaves out what only SACK shows about a connection that loses its large
// segments: that smaller ones after them arrived. Without it, an outage may have
// ended just when the sender reduced its segment size, so that finding is
// undecided. If the sender did not, there is no finding, or that it gave up: either
// silently, with a sentence that mentions large packets, or with a RST.
func lessSACK(whole, less []string) (w, l []string) {
	const hole = "mtu-blackhole "
	holes := map[string]string{} // by connection
	for _, f := range split(whole) {
		if strings.HasPrefix(f[0], hole) {
			holes[connectionOf(f[0])] = f[0]
			continue
		}
		w = append(w, f...)
	}
	for _, f := range split(less) {
		was, vanish := holes[connectionOf(f[0])]
		switch {
		case !vanish:
		case strings.HasPrefix(was, hole+"fell-back"):
			if strings.HasPrefix(f[0], hole+"fell-back undecided \"the peer sent nothing in the meantime") || f[0] == was {
				continue
			}
		case strings.HasPrefix(f[0], "dead-peer data ") && strings.Contains(f[1], "may only drop large packets"),
			strings.HasPrefix(f[0], "reset-cause aborted "), f[0] == was:
			continue
		}
		l = append(l, f...)
	}
	return w, l
}

// split splits the lines by finding.
func split(lines []string) (findings [][]string) {
	for i, line := range lines {
		if line[0] != ' ' {
			findings = append(findings, nil)
		}
		last := &findings[len(findings)-1]
		*last = append(*last, lines[i])
	}
	return findings
}

// connectionOf is the number of a finding's connection, from its first line.
func connectionOf(first string) string {
	_, rest, _ := strings.Cut(first, " of connection ")
	id, _, _ := strings.Cut(rest, ",")
	return id
}

// payload is the number of payload bytes of TCP.
func (f *frame) payload() int { return f.length() - f.header() - int(f.tcp()[12]>>4)*4 }

// optionsEnd is the length of the TCP header.
func (f *frame) optionsEnd() int { return int(f.tcp()[12]>>4) * 4 }

// fill adds the payload, with bytes that look like TCP.
func (f *frame) fill() {
	if f.rest == f.payload() { // all headers are there
		for ; f.rest > 0; f.rest-- {
			f.packet = append(f.packet, f.packet[f.rest%20])
		}
	}
}

// cut keeps n bytes of the packet.
func (f *frame) cut(n int) {
	if n < len(f.packet) {
		f.rest += len(f.packet) - n
		f.packet = f.packet[:n]
	}
}

// snapped keeps n bytes of each frame.
func snapped(frames []frame, n int) []frame {
	return changed(frames, func(f *frame) { f.cut(n - len(f.mac) - len(f.tags) - 2) })
}
