package capture

import "io"

// blockSize is how much is read from a file at once, in bytes: large enough to
// make system calls cheap, small enough for the second-level cache.
const blockSize = 256 << 10

// A stream reads the uncompressed bytes of a file through one block. Unread bytes
// are buf[off:end]. Slices of buf are valid until the next has or skip.
type stream struct {
	r        io.Reader
	buf      []byte
	off, end int
	base     int64 // offset of buf[0] in the stream
	err      error // why there are no more bytes: io.EOF, or what went wrong
}

func newStream(r io.Reader, size int) *stream {
	return &stream{r: r, buf: make([]byte, size)}
}

// pos is the offset of the first unread byte.
func (s *stream) pos() int64 { return s.base + int64(s.off) }

// rest is the number of unread bytes in the block.
func (s *stream) rest() int { return s.end - s.off }

// has reports whether there are n more bytes, reading as needed. It blocks only
// for bytes that it needs, so that live pipes are read without delay.
func (s *stream) has(n int) bool { return s.end-s.off >= n || s.fill(n) }

func (s *stream) fill(n int) bool {
	s.end = copy(s.buf, s.buf[s.off:s.end])
	s.base += int64(s.off)
	s.off = 0
	for s.end < n && s.err == nil {
		if s.end == len(s.buf) {
			s.grow()
		}
		s.read()
	}
	return s.end >= n
}

// grow doubles the block. It is called only when the block is full of bytes that
// were really read, so that a wrong length field allocates nothing.
func (s *stream) grow() {
	b := make([]byte, 2*len(s.buf))
	copy(b, s.buf[:s.end])
	s.buf = b
}

// read appends the result of one Read, or sets err.
func (s *stream) read() {
	const maxEmpty = 100 // reads in a row, as in bufio
	for range maxEmpty {
		k, err := s.r.Read(s.buf[s.end:])
		s.end += k
		s.err = err
		if k > 0 || err != nil {
			return
		}
	}
	s.err = io.ErrNoProgress
}

// skip skips n bytes, which may be more than the block holds.
func (s *stream) skip(n int64) bool {
	for n > 0 {
		if !s.has(1) {
			return false
		}
		k := min(n, int64(s.rest()))
		s.off += int(k)
		n -= k
	}
	return true
}

// Read reads bytes without their record structure.
func (s *stream) Read(p []byte) (int, error) {
	if !s.has(1) {
		return 0, s.err
	}
	n := copy(p, s.buf[s.off:s.end])
	s.off += n
	return n, nil
}
