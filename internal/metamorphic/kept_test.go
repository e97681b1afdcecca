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
			compare(t, lessOptions(c.plain.findings), lessOptions(tell(rep, nil).findings))
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
