package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz"
)

// openXZ reports an error for a stream that ends inside a block header. The
// library itself treats that as the regular end.
func openXZ(r *bufio.Reader, history uint64) (io.Reader, error) {
	return xz.NewReader(bufio.NewReaderSize(&xzSource{r: r, walk: newXZWalk(history)}, sniffSize))
}

// xzHistory is the history that the first block of an xz stream needs, in bytes,
// or 0 if there is none. An xzWalk checks later blocks.
func xzHistory(r *bufio.Reader) uint64 {
	const streamHeader = 12
	b, _ := r.Peek(streamHeader + 32)
	if len(b) < streamHeader+32 {
		return 0 // as short as an empty stream
	}
	return blockHistory(b[streamHeader+1:])
}

// blockHistory is the history that a block needs, given its header without the
// first byte
// (https://tukaani.org/xz/xz-file-format.txt sections 3.1 and 5.3.1).
func blockHistory(b []byte) uint64 {
	const lzma2, sizes = 0x21, 0xc0
	flags, b := b[0], b[1:]
	for range bits.OnesCount8(flags & sizes) { // sizes come first, if they are stated
		_, n := binary.Uvarint(b)
		b = b[max(n, 0):]
	}
	if len(b) < 3 || b[0] != lzma2 || b[1] != 1 {
		return 0 // a filter that the library refuses
	}
	exponent := min(b[2], 40)
	return uint64(2|exponent&1) << (exponent/2 + 11)
}

// An xzSource returns an error at the end of an xz stream that was cut short. A
// whole one ends in the footer's magic and zeros (section 2.1.2.4 there). It also
// stops before a block that needs too much history.
type xzSource struct {
	r    io.Reader
	tail []byte // the last two bytes before trailing zeros
	walk *xzWalk
	err  error // sticky
}

func (x *xzSource) Read(p []byte) (int, error) {
	if x.err != nil {
		return 0, x.err
	}
	n, err := x.r.Read(p)
	if n, x.err = x.walk.walk(p[:n]); x.err != nil {
		return n, x.err
	}
	if read := bytes.TrimRight(p[:n], "\x00"); len(read) > 0 {
		x.tail = append(x.tail, read[max(0, len(read)-2):]...)
		x.tail = append(x.tail[:0], x.tail[max(0, len(x.tail)-2):]...)
	}
	if err == io.EOF && string(x.tail) != "YZ" {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
