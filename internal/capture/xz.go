package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"

	"github.com/ulikunitz/xz"
)

// openXZ tells the library of a stream that ends inside a block header, which
// it takes for an orderly end.
func openXZ(r *bufio.Reader) (io.Reader, error) {
	return xz.NewReader(bufio.NewReaderSize(&xzSource{r: r, walk: newXZWalk()}, sniffSize))
}

// xzHistory is the history that the first block of an xz stream asks for, in
// bytes, or 0 if there is none. An xzWalk refuses later ones.
func xzHistory(r *bufio.Reader) uint64 {
	const streamHeader = 12
	b, _ := r.Peek(streamHeader + 32)
	if len(b) < streamHeader+32 {
		return 0 // an empty stream is as long
	}
	return blockHistory(b[streamHeader+1:])
}

// blockHistory is what a block's header asks for, given without its first byte
// (https://tukaani.org/xz/xz-file-format.txt sections 3.1 and 5.3.1).
func blockHistory(b []byte) uint64 {
	const lzma2, sizes = 0x21, 0xc0
	flags, b := b[0], b[1:]
	for range bits.OnesCount8(flags & sizes) { // the block's sizes come first, if stated
		_, n := binary.Uvarint(b)
		b = b[max(n, 0):]
	}
	if len(b) < 3 || b[0] != lzma2 || b[1] != 1 {
		return 0 // not a filter that is read at all
	}
	exponent := min(b[2], 40)
	return uint64(2|exponent&1) << (exponent/2 + 11)
}

// An xzSource tells an xz stream that was cut from one that is whole, which
// ends in the footer's magic and zeros (section 2.1.2.4 there), and stops before
// a block that asks for too much.
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
