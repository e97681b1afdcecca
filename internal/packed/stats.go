package packed

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AppendNames appends the content of a block of names.
func AppendNames(b []byte, names []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendString(b, name)
	}
	return b
}

// ParseNames reads the content of a block of names.
func ParseNames(b []byte) ([]string, error) {
	p := parser{b: b}
	names := make([]string, p.count(1))
	for i := range names {
		names[i] = p.string()
	}
	return names, p.end()
}

// AppendShared appends the part of a block of statistics that is the same in all
// shards. The block begins with it.
func AppendShared(b []byte, t *stats.Trace) []byte {
	b = binary.AppendUvarint(b, uint64(len(t.Captures)))
	for i := range t.Captures {
		b = appendCapture(b, &t.Captures[i])
	}
	b = appendTimes(b, t.First, t.Last, t.End)
	b = binary.AppendUvarint(b, uint64(len(t.Gaps)))
	for _, g := range t.Gaps {
		b = appendTimes(b, g.From, g.To)
	}
	b = binary.AppendUvarint(b, uint64(len(t.ClockSteps)))
	b = appendTimes(b, t.ClockSteps...)
	b = binary.AppendUvarint(b, uint64(len(t.Coverage)))
	for _, c := range t.Coverage {
		b = appendTimes(appendNumbers(b, uint64(c.Rotation)), max(c.First, 0), min(c.End, maxTime))
	}
	return appendCounts(b, &t.Counts)
}

// AppendOwn appends the part that only this shard has. The block ends with it.
func AppendOwn(b []byte, t *stats.Trace) []byte {
	b = appendNumbers(b, t.Packets, t.Segments)
	b = binary.AppendUvarint(b, uint64(len(t.Skipped)))
	for _, s := range t.Skipped {
		b = appendNumbers(appendString(b, s.Reason), s.N)
	}
	b = binary.AppendUvarint(b, uint64(len(t.Numbers)))
	var last stats.Number
	for _, n := range t.Numbers {
		b = appendNumbers(b, n.Position-last.Position, n.Number-last.Number)
		last = n
	}
	return b
}

func appendCapture(b []byte, c *stats.Capture) []byte {
	b = appendString(appendString(appendString(b, c.File), c.Format), c.Compression)
	b = binary.AppendUvarint(b, uint64(len(c.LinkTypes)))
	for _, l := range c.LinkTypes {
		b = appendNumbers(b, uint64(l))
	}
	b = appendNumbers(b, c.Packets, c.Bytes, c.Drops)
	b = appendTimes(b, c.First, c.Last, c.End)
	b = appendNumbers(b, uint64(c.Snap), uint64(len(c.Interfaces)))
	for _, name := range c.Interfaces {
		b = appendString(b, name)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Warnings)))
	for _, w := range c.Warnings {
		b = appendString(b, w)
	}
	b = binary.AppendUvarint(b, uint64(len(c.ClockSteps)))
	for _, s := range c.ClockSteps {
		b = appendTimes(appendNumbers(b, uint64(s.Frame)), s.Offset)
	}
	b = appendTimes(appendNumbers(b, uint64(len(c.Turns))), c.Turns...)
	return appendTimes(appendBool(appendBool(appendBool(b, c.Damaged), c.Made), c.Unordered), c.Batches)
}

func appendCounts(b []byte, c *stats.Counts) []byte {
	counts := inOrder(c)
	b = binary.AppendUvarint(b, uint64(len(counts)))
	for _, n := range counts {
		b = binary.AppendUvarint(b, *n)
	}
	b = append(b, c.Oversized.Host.Addr[:]...)
	b = binary.BigEndian.AppendUint16(b, c.Oversized.Host.Port)
	b = appendBool(b, c.Known)
	a := &c.Answers
	b = appendNumbers(b, a.Conns, uint64(a.First.TTL), uint64(a.First.Refused), uint64(a.First.MSS))
	return appendNumbers(appendBool(appendBool(b, a.First.Inside), a.Mixed), a.Nets[:]...)
}

func appendBool(b []byte, x bool) []byte {
	if x {
		return append(b, 1)
	}
	return append(b, 0)
}

// inOrder has the counts in the order of the file. Adding one changes the Version.
func inOrder(c *stats.Counts) []*uint64 {
	return []*uint64{
		&c.Flows, &c.Segments, &c.Duplicates, &c.OneSided, &c.Lossy, &c.ACKsFiltered, &c.OptionsCut, &c.Oversize, &c.LoneSYNs, &c.RepeatedSYNs, &c.BothSides,
		&c.FINs[0].Sent, &c.FINs[0].Acked, &c.FINs[1].Sent, &c.FINs[1].Acked, &c.Oversized.Position,
		&c.PureACKs, &c.Talks, &c.Talked, &c.Asked, &c.Mute, &c.Handshakes, &c.Halves, &c.Instant,
	}
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendNumbers(b []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func appendTimes(b []byte, times ...int64) []byte {
	for _, t := range times {
		b = binary.AppendVarint(b, t)
	}
	return b
}

// ParseStats reads the content of a block of statistics.
func ParseStats(b []byte) (*stats.Trace, error) {
	p := parser{b: b}
	t := &stats.Trace{Captures: make([]stats.Capture, p.count(leastCapture))}
	for i := range t.Captures {
		p.capture(&t.Captures[i])
	}
	t.First, t.Last, t.End = p.time(), p.time(), p.time()
	t.Gaps = make([]stats.Gap, p.count(2))
	for i := range t.Gaps {
		if t.Gaps[i] = (stats.Gap{From: p.time(), To: p.time()}); t.Gaps[i].To < t.Gaps[i].From || i > 0 && t.Gaps[i].From < t.Gaps[i-1].To {
			p.fail(errors.New("the gaps of the trace are out of order"))
		}
	}
	t.ClockSteps = make([]int64, p.count(1))
	for i := range t.ClockSteps {
		t.ClockSteps[i] = p.time()
	}
	if n := p.count(3); n > 0 { // nil: made of the captures
		t.Coverage = make([]stats.Coverage, n)
	}
	for i := range t.Coverage {
		t.Coverage[i] = stats.Coverage{Rotation: int(p.uvarint()), First: p.time(), End: p.time()}
	}
	p.counts(&t.Counts)
	t.Packets, t.Segments = p.uvarint(), p.uvarint()
	t.Skipped = make([]stats.Skipped, p.count(2))
	for i := range t.Skipped {
		t.Skipped[i] = stats.Skipped{Reason: p.word(), N: p.uvarint()}
	}
	t.Numbers = make([]stats.Number, p.count(2))
	var last stats.Number
	for i := range t.Numbers {
		n := stats.Number{Position: last.Position + p.uvarint(), Number: last.Number + p.uvarint()}
		if n.Position <= last.Position || n.Number <= last.Number {
			p.fail(errors.New("the numbers of connections are out of order"))
			break
		}
		t.Numbers[i], last = n, n
	}
	return t, p.end()
}

// leastCapture is the minimum size of a capture in bytes.
const leastCapture = 16

func (p *parser) capture(c *stats.Capture) {
	c.File, c.Format, c.Compression = p.string(), p.word(), p.word()
	c.LinkTypes = make([]uint32, p.count(1))
	for i := range c.LinkTypes {
		c.LinkTypes[i] = uint32(p.uvarint())
	}
	c.Packets, c.Bytes, c.Drops = p.uvarint(), p.uvarint(), p.uvarint()
	c.First, c.Last, c.End = p.time(), p.time(), p.time()
	c.Snap, c.Interfaces = uint32(p.uvarint()), make([]string, p.count(1))
	for i := range c.Interfaces {
		c.Interfaces[i] = p.string()
	}
	c.Warnings = make([]string, p.count(1))
	for i := range c.Warnings {
		c.Warnings[i] = p.string()
	}
	c.ClockSteps = make([]stats.ClockStep, p.count(2))
	for i := range c.ClockSteps {
		c.ClockSteps[i] = stats.ClockStep{Frame: uint32(p.uvarint()), Offset: p.varint()}
	}
	if n := p.count(1); n > 0 {
		c.Turns = make(stats.Turns, n)
	}
	for i := range c.Turns {
		c.Turns[i] = p.time()
	}
	c.Damaged, c.Made, c.Unordered, c.Batches = p.uvarint() != 0, p.uvarint() != 0, p.uvarint() != 0, p.varint()
}

func (p *parser) counts(c *stats.Counts) {
	counts := inOrder(c)
	if n := p.count(1); n != len(counts) {
		p.fail(fmt.Errorf("it has %d counts of connections; this tcptrace knows %d", n, len(counts)))
		return
	}
	for _, n := range counts {
		*n = p.uvarint()
	}
	if b := p.bytes(19); b != nil {
		c.Oversized.Host = reassembly.Endpoint{Addr: [16]byte(b), Port: binary.BigEndian.Uint16(b[16:])}
		c.Known = b[18] != 0
	}
	a := &c.Answers
	a.Conns, a.First = p.uvarint(), stats.Answer{TTL: uint8(p.uvarint()), Refused: reassembly.OptionBits(p.uvarint()), MSS: uint16(p.uvarint())}
	if b := p.bytes(2); b != nil {
		a.First.Inside, a.Mixed = b[0] != 0, b[1] != 0
	}
	for i := range a.Nets {
		a.Nets[i] = p.uvarint()
	}
}
