package textcap

import (
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// tcpdumpTCP reads what follows the addresses:
// Flags [P.], seq 1:301, ack 1, win 7300, options [...], length 300.
func (p *printed) tcpdumpTCP(s string) bool {
	flags, rest, ok := strings.Cut(s[len("Flags ["):], "]")
	if !ok || !p.flags(flags) {
		return false
	}
	last := ""      // the field that the text ends with
	ranged := false // seq told where the segment ends
	for rest != "" {
		if rest = strings.TrimLeft(rest, ", "); rest == "" || strings.HasPrefix(rest, "...") {
			break
		}
		word, value := cutWord(rest)
		value = strings.TrimLeft(value, " ")
		last = word
		ok := true
		switch word {
		case "seq":
			rest, ranged, ok = p.seqRange(value)
		case "ack":
			p.ack, rest, ok = cutNumber(value)
		case "win":
			p.window, rest, ok = cutNumber(value)
			p.hasWin = ok
		case "urg":
			_, rest, ok = cutNumber(value)
		case "cksum":
			_, rest, ok = strings.Cut(value, ",")
		case "options":
			var whole bool
			if rest, whole = p.bracketedOptions(value); !whole {
				return true
			}
		case "length":
			n, _, ok := cutNumber(value)
			p.hasLen = ok
			if ok && n <= maxPayload && !ranged { // before a DNS message, tcpdump 4.9 prints its ID without a blank between
				p.seg.Len = n
			}
			return ok
		default: // the line was cut, or something that is not known
			if strings.Contains(rest, "[|tcp") {
				p.seg.Opts.Has |= reassembly.OptionsCut
			}
			i := strings.Index(rest, ", ")
			if i < 0 {
				return p.hasWin
			}
			rest = rest[i:]
		}
		if !ok {
			return false
		}
	}
	// Without its length, the line was cut, perhaps within its last number.
	if last == "win" {
		p.hasWin = false
		return true
	}
	return p.hasWin
}

// seqRange reads "1", or "1:301" where the segment carries something.
func (p *printed) seqRange(s string) (rest string, ranged, ok bool) {
	if p.seq, rest, p.hasSeq = cutNumber(s); !p.hasSeq {
		return rest, false, false
	}
	if tail, is := strings.CutPrefix(rest, ":"); is {
		if end, more, is := cutNumber(tail); is {
			p.seg.Len = end - p.seq
			return more, true, true
		}
	}
	return rest, false, true
}

// bracketedOptions reads "[mss 1460,nop]", and reports whether it is whole.
func (p *printed) bracketedOptions(s string) (rest string, whole bool) {
	list, rest, whole := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if i := strings.Index(list, "[|tcp"); i >= 0 {
		list = list[:i] + "[|tcp"
	} else if i := strings.Index(list, "[bad opt"); i >= 0 {
		list = list[:i] + "[bad opt"
		_, rest, _ = strings.Cut(rest, "]")
	}
	if !whole { // the text was cut, perhaps within a number
		list = list[:max(strings.LastIndexByte(list, ','), 0)] + "[|tcp"
	}
	p.tcpdumpOptions(list)
	return rest, whole
}

// maxPayload is far above segmentation offload.
const maxPayload = 16<<20 - 1<<8

// flags reads the flags as tcpdump prints them.
func (p *printed) flags(s string) bool {
	if s == "none" {
		return true
	}
	for i := range len(s) {
		n := strings.IndexByte("FSRP.UEWe", s[i])
		if n < 0 {
			return false
		}
		if n < 8 {
			p.seg.Flags |= 1 << n
		}
	}
	return s != ""
}

// tcpdumpOptions reads the list of options.
func (p *printed) tcpdumpOptions(list string) {
	o := &p.seg.Opts
	if strings.HasSuffix(list, "[|tcp") {
		o.Has |= reassembly.OptionsCut
	}
	if strings.HasSuffix(list, "[bad opt") {
		o.Has |= reassembly.OptionsMalformed
	}
	for option := range strings.SplitSeq(list, ",") {
		word, rest := cutWord(option)
		switch word {
		case "mss":
			if n, ok := leadingNumber(rest, 65535); ok {
				o.Has, o.MSS = o.Has|reassembly.HasMSS, uint16(n)
			}
		case "wscale":
			if n, ok := leadingNumber(rest, 255); ok {
				o.Has, o.Scale = o.Has|reassembly.HasScale, uint8(n)
			}
		case "sackOK":
			o.Has |= reassembly.HasSACKPermitted
		case "mptcp":
			o.Has |= reassembly.HasMPTCP
		case "TS", "timestamp", "tstamp": // the last is snoop's
			p.timestamps(rest)
		case "sack":
			p.sackBlocks(rest)
		}
	}
}

// timestamps reads "val 1 ecr 2", or "1 2" as old versions print it.
func (p *printed) timestamps(s string) {
	val, s, ok1 := cutNumber(strings.TrimPrefix(strings.TrimLeft(s, " "), "val "))
	ecr, _, ok2 := cutNumber(strings.TrimPrefix(strings.TrimLeft(s, " "), "ecr "))
	if ok1 && ok2 {
		o := &p.seg.Opts
		o.Has, o.TSVal, o.TSEcr = o.Has|reassembly.HasTimestamps, val, ecr
	}
}

// sackBlocks reads "2 {1:5}{9:12}", or "sack 2 {1:5}{9:12}".
func (p *printed) sackBlocks(s string) {
	o := &p.seg.Opts
	for int(o.NBlocks) < len(o.Blocks) {
		_, block, ok := strings.Cut(s, "{")
		if !ok {
			return
		}
		block, s, ok = strings.Cut(block, "}")
		from, to, _ := strings.Cut(block, ":")
		a, ok1 := leadingNumber(from, 1<<32-1)
		b, ok2 := leadingNumber(to, 1<<32-1)
		if !ok || !ok1 || !ok2 {
			return
		}
		o.Blocks[o.NBlocks] = reassembly.Block{From: reassembly.Seq(a), To: reassembly.Seq(b)}
		o.NBlocks++
	}
}
