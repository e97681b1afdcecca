package packed

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AppendNames adds the content of a block of names.
func AppendNames(b []byte, captures []Capture) []byte {
	b = binary.AppendUvarint(b, uint64(len(captures)))
	for i := range captures {
		b = appendString(b, captures[i].File)
	}
	return b
}

// ParseNames reads it.
func ParseNames(b []byte) ([]string, error) {
	p := parser{b: b}
	names := make([]string, p.count(1))
	for i := range names {
		names[i] = p.string()
	}
	return names, p.end()
}

// AppendShared adds what all parts of a trace have in common, which a block of
// facts begins with.
func (f *Facts) AppendShared(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(f.Captures)))
	for i := range f.Captures {
		b = f.Captures[i].append(b)
	}
	b = appendTimes(b, f.First, f.Last, f.End)
	b = binary.AppendUvarint(b, uint64(len(f.Gaps)))
	for _, g := range f.Gaps {
		b = appendTimes(b, g.From, g.To)
	}
	b = binary.AppendUvarint(b, uint64(len(f.Steps)))
	b = appendTimes(b, f.Steps...)
	return f.Census.append(b)
}

// AppendOwn adds what only this part has, which a block of facts ends with.
func (f *Facts) AppendOwn(b []byte) []byte {
	b = appendCounts(b, f.Packets, f.Segments)
	b = binary.AppendUvarint(b, uint64(len(f.Skipped)))
	for _, s := range f.Skipped {
		b = appendCounts(appendString(b, s.Name), s.N)
	}
	b = binary.AppendUvarint(b, uint64(len(f.Numbers)))
	var last Number
	for _, n := range f.Numbers {
		b = appendCounts(b, n.Position-last.Position, n.Number-last.Number)
		last = n
	}
	return b
}

func (c *Capture) append(b []byte) []byte {
	b = appendString(appendString(appendString(b, c.File), c.Format), c.Compression)
	b = binary.AppendUvarint(b, uint64(len(c.LinkTypes)))
	for _, l := range c.LinkTypes {
		b = appendCounts(b, uint64(l))
	}
	b = appendCounts(b, c.Packets, c.Bytes, c.Drops)
	b = appendTimes(b, c.First, c.Last, c.End)
	b = binary.AppendUvarint(b, uint64(len(c.Warnings)))
	for _, w := range c.Warnings {
		b = appendString(b, w)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Steps)))
	for _, s := range c.Steps {
		b = appendTimes(appendCounts(b, uint64(s.Frame)), s.Offset)
	}
	return b
}

func (c *Census) append(b []byte) []byte {
	counts := c.counts()
	b = binary.AppendUvarint(b, uint64(len(counts)))
	for _, n := range counts {
		b = binary.AppendUvarint(b, *n)
	}
	b = append(b, c.Biggest.Host.Addr[:]...)
	b = binary.BigEndian.AppendUint16(b, c.Biggest.Host.Port)
	if c.Known {
		return append(b, 1)
	}
	return append(b, 0)
}

// counts are the numbers of a census in the order of the file. Whoever adds one
// changes the Version.
func (c *Census) counts() []*uint64 {
	return []*uint64{
		&c.Flows, &c.Segments, &c.Copies, &c.OneSided, &c.Lossy, &c.Filtered, &c.Cut, &c.Oversize, &c.LoneSYNs, &c.SYNs,
		&c.FINs[0].Sent, &c.FINs[0].Acked, &c.FINs[1].Sent, &c.FINs[1].Acked, &c.Biggest.Position,
	}
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendCounts(b []byte, counts ...uint64) []byte {
	for _, n := range counts {
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

// ParseFacts reads the content of a block of facts.
func ParseFacts(b []byte) (*Facts, error) {
	p := parser{b: b}
	f := &Facts{Captures: make([]Capture, p.count(leastCapture))}
	for i := range f.Captures {
		p.capture(&f.Captures[i])
	}
	f.First, f.Last, f.End = p.time(), p.time(), p.time()
	f.Gaps = make([]Gap, p.count(2))
	for i := range f.Gaps {
		if f.Gaps[i] = (Gap{p.time(), p.time()}); f.Gaps[i].To < f.Gaps[i].From || i > 0 && f.Gaps[i].From < f.Gaps[i-1].To {
			p.fail(errors.New("the gaps of the trace are out of order"))
		}
	}
	f.Steps = make([]int64, p.count(1))
	for i := range f.Steps {
		f.Steps[i] = p.time()
	}
	p.census(&f.Census)
	f.Packets, f.Segments = p.uvarint(), p.uvarint()
	f.Skipped = make([]Count, p.count(2))
	for i := range f.Skipped {
		f.Skipped[i] = Count{p.word(), p.uvarint()}
	}
	f.Numbers = make([]Number, p.count(2))
	var last Number
	for i := range f.Numbers {
		n := Number{last.Position + p.uvarint(), last.Number + p.uvarint()}
		if n.Position <= last.Position || n.Number <= last.Number {
			p.fail(errors.New("the numbers of connections are out of order"))
			break
		}
		f.Numbers[i], last = n, n
	}
	return f, p.end()
}

// leastCapture is how many bytes a capture takes at least.
const leastCapture = 12

func (p *parser) capture(c *Capture) {
	c.File, c.Format, c.Compression = p.string(), p.word(), p.word()
	c.LinkTypes = make([]uint32, p.count(1))
	for i := range c.LinkTypes {
		c.LinkTypes[i] = uint32(p.uvarint())
	}
	c.Packets, c.Bytes, c.Drops = p.uvarint(), p.uvarint(), p.uvarint()
	c.First, c.Last, c.End = p.time(), p.time(), p.time()
	c.Warnings = make([]string, p.count(1))
	for i := range c.Warnings {
		c.Warnings[i] = p.string()
	}
	c.Steps = make([]Step, p.count(2))
	for i := range c.Steps {
		c.Steps[i] = Step{uint32(p.uvarint()), p.varint()}
	}
}

func (p *parser) census(c *Census) {
	counts := c.counts()
	if n := p.count(1); n != len(counts) {
		p.fail(fmt.Errorf("the census has %d numbers, and this tcptrace knows of %d", n, len(counts)))
		return
	}
	for _, n := range counts {
		*n = p.uvarint()
	}
	if b := p.bytes(19); b != nil {
		c.Biggest.Host = reassembly.Endpoint{Addr: [16]byte(b), Port: binary.BigEndian.Uint16(b[16:])}
		c.Known = b[18] != 0
	}
}

// A parser reads numbers and strings off a block, and remembers the first thing
// that is wrong. What follows it is zero.
type parser struct {
	b   []byte
	off int
	err error
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = fmt.Errorf("byte %d of the block: %w", p.off, err)
	}
}

// end is what is wrong, if anything.
func (p *parser) end() error {
	if p.off < len(p.b) {
		p.fail(fmt.Errorf("%d bytes too many", len(p.b)-p.off))
	}
	return p.err
}

func (p *parser) uvarint() uint64 {
	if p.err != nil {
		return 0
	}
	v, n := binary.Uvarint(p.b[p.off:])
	if n <= 0 {
		p.fail(errors.New("a number is cut off or too large"))
		return 0
	}
	p.off += n
	return v
}

func (p *parser) varint() int64 {
	v := p.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// time is one that can be.
func (p *parser) time() int64 {
	t := p.varint()
	if t < 0 || t > maxTime {
		p.fail(fmt.Errorf("%d is no time", t))
		return 0
	}
	return t
}

// count is how many things of at least so many bytes follow: no more than there
// are bytes for.
func (p *parser) count(size int) int {
	n := p.uvarint()
	if n > uint64((len(p.b)-p.off)/size) {
		p.fail(fmt.Errorf("it claims %d things, and %d bytes are left", n, len(p.b)-p.off))
		return 0
	}
	return int(n)
}

func (p *parser) bytes(n int) []byte {
	if p.err != nil || len(p.b)-p.off < n {
		p.fail(errors.New("it is cut off"))
		return nil
	}
	p.off += n
	return p.b[p.off-n : p.off]
}

func (p *parser) string() string { return string(p.bytes(p.count(1))) }

// word is a name of ours, which goes into reports as it is.
func (p *parser) word() string {
	s := p.string()
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			p.fail(fmt.Errorf("%q is no name", s))
			return ""
		}
	}
	return s
}
