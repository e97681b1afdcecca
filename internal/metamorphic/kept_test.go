package metamorphic

import (
	"slices"
	"strings"
	"testing"
)

// A snap length of 96 bytes loses nothing; more than headers tells nothing.
func TestPayloadKeptOrCut(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		whole := changed(c.frames, (*frame).fill)
		demandExactly(t, c, whole)
		for i := range whole {
			if f := &whole[i]; !f.other && len(f.mac)+len(f.tags)+2+f.header()+f.optionsEnd() > 96 {
				return // IPv6, or tags, and every option there is
			}
		}
		demandExactly(t, c, snapped(whole, 96))
	})
}

// A snap length that cuts options costs a limit and what the options said, such
// as whether a doubtful RST was within a scaled window; the findings stay. 60
// bytes leave six of the options in an IPv4 packet.
func TestOptionsCut(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		for snap := 0; snap <= 10; snap += 2 {
			rep, err := analyse(plain.pcap(changed(c.frames, func(f *frame) { f.cut(f.header() + 20 + snap) })))
			if err != nil {
				t.Fatal(err)
			}
			whole, less := lessSACK(c.plain.findings, tell(rep, nil).findings)
			compare(t, lessOptions(whole), lessOptions(less))
		}
	})
}

// lessOptions leaves out what only options tell of a finding that there is
// without them: which SYN it was that was answered. What a sender did again, and
// whether for nothing, only SACK and timestamps tell; how large a window is, only
// the scale.
func lessOptions(findings []string) (less []string) {
	const syn = "syn-unanswered "
	needs, without := false, []string{
		"retransmissions", "reordering", "sack-mismatch", "paws-drops", "window-shrunk", "window-overrun", "small-window", "forged-reset",
	}
	for i, line := range findings {
		if line[0] != ' ' { // a finding begins
			slug, _, _ := strings.Cut(line, " ")
			needs = slices.Contains(without, slug) || strings.HasPrefix(line, "reset-cause unexplained undecided")
		}
		if needs {
			continue
		}
		if rest, is := strings.CutPrefix(line, syn+"timestamps"); is {
			line = syn + "answered-late" + rest
		}
		if i > 0 && strings.HasPrefix(findings[i-1], syn) { // the message
			continue
		}
		less = append(less, line)
	}
	return less
}

// lessSACK leaves out what only SACK tells of a connection in which large segments
// vanish: that something smaller arrived behind them. Without it, a sender that
// falls back leaves in doubt whether an outage ended just then; of one that is
// stuck, nothing is said, or that it gave up: by itself, in which case the words
// are that such a path would look so, or by RST.
func lessSACK(whole, less []string) (w, l []string) {
	const hole = "mtu-blackhole "
	holes := map[string]string{} // by connection
	for _, f := range apart(whole) {
		if strings.HasPrefix(f[0], hole) {
			holes[connectionOf(f[0])] = f[0]
			continue
		}
		w = append(w, f...)
	}
	for _, f := range apart(less) {
		was, vanish := holes[connectionOf(f[0])]
		switch {
		case !vanish:
		case strings.HasPrefix(was, hole+"fell-back"):
			if strings.HasPrefix(f[0], hole+"fell-back undecided \"nothing was heard of the peer meanwhile") || f[0] == was {
				continue
			}
		case strings.HasPrefix(f[0], "dead-peer data ") && strings.Contains(f[1], "a path that drops only large packets would look so too"),
			strings.HasPrefix(f[0], "reset-cause aborted "), f[0] == was:
			continue
		}
		l = append(l, f...)
	}
	return w, l
}

// apart parts the lines of findings.
func apart(lines []string) (findings [][]string) {
	for i, line := range lines {
		if line[0] != ' ' {
			findings = append(findings, nil)
		}
		last := &findings[len(findings)-1]
		*last = append(*last, lines[i])
	}
	return findings
}

// connectionOf is which connection a finding is of, from its first line.
func connectionOf(first string) string {
	_, rest, _ := strings.Cut(first, " of connection ")
	id, _, _ := strings.Cut(rest, ",")
	return id
}

// payload is how many bytes TCP carries.
func (f *frame) payload() int { return f.length() - f.header() - int(f.tcp()[12]>>4)*4 }

// optionsEnd is the length of the TCP header.
func (f *frame) optionsEnd() int { return int(f.tcp()[12]>>4) * 4 }

// fill keeps the payload, something that looks like TCP again.
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
