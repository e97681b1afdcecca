package scenario

import (
	"math"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// header reads FLAGS FIRST:END(LEN) [ack N] win N [<options>], or an ICMP error.
func (s *scanner) header(seg *reassembly.Segment, seqBase, ackBase reassembly.Seq) {
	if s.keyword("icmp") {
		s.icmp(seg, seqBase)
		return
	}
	seg.Flags = s.flags(s.word("FLAGS"))
	first, length := s.span(s.word("FIRST:END(LEN)"))
	seg.Seq, seg.Len = seqBase+reassembly.Seq(first), length
	switch acks := s.keyword("ack"); {
	case acks != seg.Flags.Has(reassembly.ACK):
		s.fail("ack N goes with the dot in the flags: both or neither")
	case acks:
		seg.Ack = ackBase + reassembly.Seq(s.relative("ack", s.word("the number of ack")))
	}
	if !s.keyword("win") {
		s.fail("win N is missing")
		return
	}
	seg.Window = uint16(s.number("win", s.word("the number of win"), 0, math.MaxUint16))
	if s.peek() == '<' {
		for opt := range strings.SplitSeq(s.bracketed('>'), ",") {
			s.option(&seg.Opts, strings.Fields(opt), ackBase)
		}
	}
}

// option reads one TCP option. SACK blocks are in the sequence space of the
// segment's receiver.
func (s *scanner) option(o *reassembly.Options, words []string, base reassembly.Seq) {
	if len(words) == 0 {
		s.fail("an option is missing between < and >")
		return
	}
	has := o.Has
	name, args := words[0], words[1:]
	switch {
	case name == "nop" && len(args) == 0: // as in tcpdump's lines; padding is implied
		return
	case name == "mss" && len(args) == 1:
		o.Has |= reassembly.HasMSS
		o.MSS = uint16(s.number(name, args[0], 0, math.MaxUint16))
	case name == "wscale" && len(args) == 1:
		o.Has |= reassembly.HasScale
		o.Scale = uint8(s.number(name, args[0], 0, math.MaxUint8))
	case name == "sackOK" && len(args) == 0:
		o.Has |= reassembly.HasSACKPermitted
	case name == "mptcp" && len(args) == 0:
		o.Has |= reassembly.HasMPTCP
	case name == "ts" && len(args) == 2:
		o.Has |= reassembly.HasTimestamps
		o.TSVal = uint32(s.number("ts val", args[0], 0, math.MaxUint32))
		o.TSEcr = uint32(s.number("ts ecr", args[1], 0, math.MaxUint32))
	case name == "sack" && o.NBlocks == 0 && len(args) > 0 && len(args) <= len(o.Blocks):
		for _, block := range args {
			from, to, _ := strings.Cut(block, ":")
			o.Blocks[o.NBlocks] = reassembly.Block{
				From: base + reassembly.Seq(s.relative("sack from", from)),
				To:   base + reassembly.Seq(s.relative("sack to", to)),
			}
			o.NBlocks++
		}
		return
	default:
		s.fail("option %q is none of mss N, wscale N, sackOK, mptcp, ts VAL ECR, sack FROM:TO (one to four blocks)",
			clip(strings.Join(words, " ")))
		return
	}
	if o.Has == has {
		s.fail("option %s appears twice", name)
	}
}

// AppendSegment writes the TCP header of a segment as in a line after SIDE > SIDE,
// such as "F.  101:101(0) ack 1 win 509 <ts 7 3>". Sequence numbers are relative to
// seqBase; the acknowledgment and SACK blocks, which are in the other direction,
// to ackBase.
func AppendSegment(dst []byte, seg *reassembly.Segment, seqBase, ackBase reassembly.Seq) []byte {
	return appendSegment(dst, seg, seqBase, ackBase, &columns{flags: flagsWidth})
}

// flagsWidth is enough for the flags of nearly every segment.
const flagsWidth = len("SEW")

// columns are the minimum widths of the fields of a line, for alignment.
type columns struct{ time, from, to, flags, span, ack, win int }

func appendSegment(dst []byte, seg *reassembly.Segment, seqBase, ackBase reassembly.Seq, c *columns) []byte {
	if seg.IsQuote() {
		return appendICMP(dst, seg, seqBase)
	}
	dst = pad(append(dst, seg.Flags.String()...), len(dst), c.flags)
	dst = append(dst, ' ')
	dst = pad(appendSpan(dst, seg, seqBase), len(dst), c.span)
	if acks := seg.Flags.Has(reassembly.ACK); acks || c.ack > 0 {
		dst = append(dst, ' ')
		n := len(dst)
		if acks {
			dst = appendAck(dst, seg, ackBase)
		}
		dst = pad(dst, n, c.ack)
	}
	dst = append(dst, ' ')
	dst = pad(appendWin(dst, seg), len(dst), c.win)
	return appendOptions(dst, &seg.Opts, ackBase)
}

// pad adds blanks to a field that began at start.
func pad(dst []byte, start, width int) []byte {
	for len(dst) < start+width {
		dst = append(dst, ' ')
	}
	return dst
}

func appendSpan(dst []byte, seg *reassembly.Segment, base reassembly.Seq) []byte {
	first := relative(base, seg.Seq)
	dst = strconv.AppendInt(dst, first, 10)
	dst = strconv.AppendInt(append(dst, ':'), first+int64(seg.Len), 10)
	dst = strconv.AppendUint(append(dst, '('), uint64(seg.Len), 10)
	return append(dst, ')')
}

func appendAck(dst []byte, seg *reassembly.Segment, base reassembly.Seq) []byte {
	return strconv.AppendInt(append(dst, "ack "...), relative(base, seg.Ack), 10)
}

func appendWin(dst []byte, seg *reassembly.Segment) []byte {
	return strconv.AppendUint(append(dst, "win "...), uint64(seg.Window), 10)
}

func appendOptions(dst []byte, o *reassembly.Options, base reassembly.Seq) []byte {
	start := len(dst)
	sep := " <"
	option := func(name string) {
		dst = append(append(dst, sep...), name...)
		sep = ","
	}
	if o.Has&reassembly.HasMSS != 0 {
		option("mss ")
		dst = strconv.AppendUint(dst, uint64(o.MSS), 10)
	}
	if o.Has&reassembly.HasScale != 0 {
		option("wscale ")
		dst = strconv.AppendUint(dst, uint64(o.Scale), 10)
	}
	if o.Has&reassembly.HasSACKPermitted != 0 {
		option("sackOK")
	}
	if o.Has&reassembly.HasMPTCP != 0 {
		option("mptcp")
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		option("ts ")
		dst = strconv.AppendUint(dst, uint64(o.TSVal), 10)
		dst = strconv.AppendUint(append(dst, ' '), uint64(o.TSEcr), 10)
	}
	if o.NBlocks > 0 {
		option("sack")
	}
	for _, b := range o.Blocks[:o.NBlocks] {
		dst = strconv.AppendInt(append(dst, ' '), relative(base, b.From), 10)
		dst = strconv.AppendInt(append(dst, ':'), relative(base, b.To), 10)
	}
	if len(dst) > start {
		dst = append(dst, '>')
	}
	return dst
}

// relative is the distance from base to s, for people: 0 to 2^32-1, but negative
// if s is less than 16 MB before base. A keep-alive before any data is at 0, an
// old segment of a capture that began midstream at -1448.
func relative(base, s reassembly.Seq) int64 {
	const old = 1 << 24
	d := int64(uint32(s - base))
	if d >= 1<<32-old {
		d -= 1 << 32
	}
	return d
}
