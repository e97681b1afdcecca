package packed

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A parser reads numbers and strings from a block. It keeps the first error; values
// after it are zero.
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

// end is the error, if any.
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

// time reads a valid time.
func (p *parser) time() int64 {
	t := p.varint()
	if t < 0 || t > maxTime {
		p.fail(fmt.Errorf("%d is not a time", t))
		return 0
	}
	return t
}

// count reads the number of elements that follow, each of at least size bytes. It
// fails if there are not enough bytes for them.
func (p *parser) count(size int) int {
	n := p.uvarint()
	if n > uint64((len(p.b)-p.off)/size) {
		p.fail(fmt.Errorf("it claims %d elements, but %d bytes are left", n, len(p.b)-p.off))
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

// word reads a name of tcptrace, which reports print unchanged.
func (p *parser) word() string {
	s := p.string()
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-') {
			p.fail(fmt.Errorf("%q is not a name", s))
			return ""
		}
	}
	return s
}
