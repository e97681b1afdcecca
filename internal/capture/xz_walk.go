package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// An xzWalk parses xz streams without decompressing them, to check each block's
// header before the library reads it: the library would immediately allocate
// whatever history the header asks for, up to 4 GiB
// (https://tukaani.org/xz/xz-file-format.txt sections 2 to 4).
type xzWalk struct {
	step  func(*xzWalk, []byte) error // parses the next bytes
	need  int                         // how many bytes that takes
	have  []byte                      // those that have come
	skip  uint64                      // bytes to skip before
	check uint64                      // size of a block's check
	block uint64                      // compressed bytes of the block
	left  uint64                      // numbers to come in the index
	index uint64                      // bytes of the index so far

	history uint64 // that a block may need
}

var errXZ = errors.New("xz: the stream makes no sense")

func newXZWalk(history uint64) *xzWalk {
	return &xzWalk{step: (*xzWalk).begin, need: 4, history: history}
}

// walk parses b. With an error, it returns how many bytes of b precede the
// problem.
func (w *xzWalk) walk(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		if w.skip > 0 {
			k := min(w.skip, uint64(len(b)-n))
			w.skip -= k
			n += int(k)
			continue
		}
		start := n
		k := min(w.need-len(w.have), len(b)-n)
		w.have = append(w.have, b[n:n+k]...)
		if n += k; len(w.have) < w.need {
			break
		}
		if err := w.step(w, w.have); err != nil {
			return start, err
		}
		w.have = w.have[:0]
	}
	return n, nil
}

// next sets what parses the next need bytes, after skip bytes.
func (w *xzWalk) next(step func(*xzWalk, []byte) error, need int, skip uint64) error {
	w.step, w.need, w.skip = step, need, skip
	return nil
}

// begin parses the start of a stream, or padding before it.
func (w *xzWalk) begin(b []byte) error {
	switch string(b) {
	case "\x00\x00\x00\x00":
		return nil
	case "\xfd7zX":
		return w.next((*xzWalk).streamFlags, 8, 0)
	}
	return errXZ
}

func (w *xzWalk) streamFlags(b []byte) error {
	if string(b[:3]) != "Z\x00\x00" || b[3] > 15 {
		return errXZ
	}
	w.check = [...]uint64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[b[3]]
	return w.next((*xzWalk).blockSize, 1, 0)
}

// blockSize parses the start of a block header, or of the index.
func (w *xzWalk) blockSize(b []byte) error {
	if b[0] == 0 {
		w.left, w.index = 0, 1
		return w.next((*xzWalk).records, 1, 0)
	}
	return w.next((*xzWalk).blockHeader, int(b[0])*4+3, 0)
}

func (w *xzWalk) blockHeader(b []byte) error {
	if n := blockHistory(b); n > w.history {
		return fmt.Errorf("xz: %w: a history of %d MiB, of %d", errHistory, n>>20, w.history>>20)
	}
	w.block = 0
	return w.next((*xzWalk).chunk, 1, 0)
}

// chunk parses the control byte of an LZMA2 chunk. The last is 0; padding and the
// check follow it.
func (w *xzWalk) chunk(b []byte) error {
	w.block++
	switch c := b[0]; {
	case c == 0:
		return w.next((*xzWalk).blockSize, 1, -w.block&3+w.check)
	case c < 3:
		return w.next((*xzWalk).plainChunk, 2, 0)
	case c < 0x80:
		return errXZ
	case c < 0xc0:
		return w.next((*xzWalk).packedChunk, 4, 0)
	}
	return w.next((*xzWalk).packedChunkProperties, 4, 0)
}

func (w *xzWalk) plainChunk(b []byte) error {
	return w.chunkOf(2, uint64(binary.BigEndian.Uint16(b))+1)
}

func (w *xzWalk) packedChunk(b []byte) error {
	return w.chunkOf(4, uint64(binary.BigEndian.Uint16(b[2:]))+1)
}

func (w *xzWalk) packedChunkProperties(b []byte) error {
	return w.chunkOf(4, uint64(binary.BigEndian.Uint16(b[2:]))+2)
}

func (w *xzWalk) chunkOf(head, size uint64) error {
	w.block += head + size
	return w.next((*xzWalk).chunk, 1, size)
}

// records parses a byte of the number of records in the index.
func (w *xzWalk) records(b []byte) error {
	shift := 7 * (w.index - 1)
	w.index++
	if shift > 56 {
		return errXZ
	}
	w.left |= uint64(b[0]&0x7f) << shift
	if b[0] < 0x80 {
		w.left *= 2 // each has two numbers
		return w.record()
	}
	return nil
}

// recordByte parses a byte of a number in the index.
func (w *xzWalk) recordByte(b []byte) error {
	w.index++
	if b[0] < 0x80 {
		w.left--
	}
	return w.record()
}

// record continues with the index. Padding, its check and the stream's footer
// follow it.
func (w *xzWalk) record() error {
	if w.left > 0 {
		return w.next((*xzWalk).recordByte, 1, 0)
	}
	return w.next((*xzWalk).begin, 4, -w.index&3+4+12)
}
