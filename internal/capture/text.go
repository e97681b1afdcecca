package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/tcptrace-go/tcptrace/internal/textcap"
)

const (
	// maxText is the longest scenario that is read, in bytes.
	maxText = 64 << 20
	// maxProse is how much text may come before the first packet, in bytes.
	maxProse = 1 << 20
)

var errNoPackets = errors.New("is text, but has no line that tcptrace knows: expected is what tcpdump, tshark (also -T json, ek or pdml), snoop, pktmon, " +
	"Cisco's show capture, Juniper's monitor traffic or FortiGate's diagnose sniffer packet print, or a scenario (docs/scenario.md)")

// noPackets is the error about a text without packets, of which something may be known.
func noPackets(text []byte, other string) error {
	if !utf8.Valid(text) {
		return unknown(text)
	}
	if other == "" {
		return errNoPackets
	}
	return fmt.Errorf("is text, but has no packets that tcptrace can read: %s", other)
}

// text reads text: what printers of packets print, or a scenario.
func (f *File) text(s *stream, opts *Options) error {
	head := s.buf[s.off:s.end]
	if isUTF16(head) && opts.Text != nil {
		narrow := newStream(fromUTF16(s), len(s.buf))
		narrow.has(len(head) / 2)
		return f.text(narrow, opts)
	}
	if opts.Text == nil || knownKind(head) != "" || !printable(head) {
		return unknown(head)
	}
	kind, err := textKind(s)
	switch {
	case err != nil:
		return err
	case kind == scenarioText:
		return f.scenario(s, opts)
	}
	f.records = &text{r: textcap.NewReader(s), info: &f.info}
	return nil
}

// isText reports whether text begins so.
func isText(head []byte) bool {
	return bytes.IndexByte(head, 0) < 0 && utf8.Valid(trimRune(head))
}

type kindOfText uint8

const (
	scenarioText kindOfText = iota
	printedText
)

// textKind finds out what kind of text follows by its first lines, of which it
// reads no more than needed: a pipe may be live.
func textKind(s *stream) (kindOfText, error) {
	done, scenario, other := 0, false, ""
	for s.has(done + 1) {
		head := s.buf[s.off:s.end]
		if !printable(head[done:]) {
			return 0, unknown(head)
		}
		for {
			n := bytes.IndexByte(head[done:], '\n')
			if n < 0 {
				break
			}
			line := head[done : done+n]
			done += n + 1
			switch {
			case isScenarioMark(line):
				return scenarioText, nil
			case textcap.Is(line):
				return printedText, nil
			}
			scenario = scenario || isScenarioLine(line)
			if other == "" {
				other = textcap.Other(line)
			}
		}
		if len(head) > maxProse {
			return 0, noPackets(trimRune(head), other)
		}
		if !s.has(len(head) + 1) {
			break
		}
	}
	if s.err != io.EOF {
		return 0, s.finish()
	}
	switch rest := s.buf[s.off+done : s.end]; {
	case textcap.Is(rest):
		return printedText, nil
	case scenario || isScenarioLine(rest):
		return scenarioText, nil
	case other == "":
		other = textcap.Other(rest)
	}
	return 0, noPackets(s.buf[s.off:s.end], other)
}

// isScenarioLine reports whether a line is of a scenario, perhaps with a mistake:
// it begins with a time, or with a word that only scenarios know.
func isScenarioLine(line []byte) bool {
	fields := bytes.Fields(line)
	if len(fields) < 2 {
		return false
	}
	switch first := string(fields[0]); first {
	case "host", "iss", "start", "drop":
		return true
	default:
		_, err := strconv.ParseFloat(first, 64)
		second := string(fields[1])
		return err == nil && (second == "end" || second == "other" || second == "copy" || len(fields) > 3 && string(fields[2]) == ">")
	}
}

func isScenarioMark(line []byte) bool {
	return bytes.HasPrefix(line, []byte("-- ")) && bytes.HasSuffix(bytes.TrimRight(line, "\r"), []byte(" --"))
}

// scenario reads scenario text. The records are the packets that it describes.
func (f *File) scenario(s *stream, opts *Options) error {
	text, err := io.ReadAll(io.LimitReader(s, maxText+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxText:
		return fmt.Errorf("is more than %d MiB of text", maxText>>20)
	case !isText(text):
		return unknown(text)
	}
	packets, err := opts.Text(text)
	if err != nil {
		return err
	}
	f.info.Format = "scenario"
	f.records, err = newPcapng(newStream(bytes.NewReader(packets), len(packets)+1), &f.info, &f.clock)
	return err
}

// trimRune drops an incomplete rune at the end of b.
func trimRune(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if utf8.RuneStart(b[len(b)-n]) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// A text reads the packets that a text shows.
type text struct {
	r    *textcap.Reader
	info *Info
	fr   textcap.Frame
}

func (t *text) next(fr *Frame) error {
	if err := t.r.Next(&t.fr); err != nil {
		return err
	}
	p := &t.fr
	fr.At, fr.Data, fr.Len, fr.Num, fr.Link = p.At, p.Data, p.Len, p.Num, LinkType(p.Link)
	fr.Text, fr.Missing = true, p.Missing
	t.info.Format = t.r.Printer()
	t.info.carries(fr.Link)
	return nil
}

func (t *text) close() { t.info.Warnings = append(t.info.Warnings, t.r.Warnings()...) }
