package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A head describes a chunk, or a run of chunks, before it is decoded.
type head struct {
	file  uint16 // index of the input
	frame uint32 // of the first segment
	time  int64  // Position.Time of the first segment
	run   string // name of the run; "" if this is a chunk
	late  []late
	body  []byte // packed segments
}

// A late segment has a time before that of an earlier frame of its file.
type late struct {
	frame uint32
	by    uint64 // nanoseconds
}

// A Builder makes chunks from the segments of one connection in one file. The zero
// value is ready.
type Builder struct {
	packed packed.Encoder
	late   []late
	frame  uint32
	time   int64
}

// Add appends a segment. time is its Position.Time, which is not before its own time.
func (b *Builder) Add(seg *reassembly.Segment, time int64) {
	if b.packed.Count() == 0 {
		b.frame, b.time = seg.Frame, time
	}
	if time != seg.At {
		b.late = append(b.late, late{seg.Frame, uint64(time - seg.At)})
	}
	b.packed.Append(uint64(seg.Frame), seg)
}

// Len is about the size of the chunk in bytes.
func (b *Builder) Len() int { return b.packed.Len() + 6*len(b.late) }

// Full reports whether there may be no room for another segment.
func (b *Builder) Full() bool { return b.packed.Full() || b.Len() >= packed.MaxChunk }

// The first byte of a value.
const (
	kindChunk = 1
	kindRun   = 2
)

// Finish appends the chunk to buf and begins another one.
func (b *Builder) Finish(buf []byte, file uint16) []byte {
	buf = appendHead(append(buf, kindChunk), file, b.frame, b.time)
	buf = binary.AppendUvarint(buf, uint64(len(b.late)))
	frame := b.frame
	for _, l := range b.late {
		buf = binary.AppendUvarint(buf, uint64(l.frame-frame))
		buf = binary.AppendUvarint(buf, l.by)
		frame = l.frame
	}
	buf = append(buf, b.packed.Chunk()...)
	b.packed.Reset()
	b.late = b.late[:0]
	return buf
}

// Run is what travels instead of the chunks in a run: the name of the run, and the
// head of the first chunk.
func Run(first []byte, name string) []byte {
	h, _ := parse(first)
	return append(appendHead([]byte{kindRun}, h.file, h.frame, h.time), name...)
}

func appendHead(buf []byte, file uint16, frame uint32, time int64) []byte {
	buf = binary.AppendUvarint(buf, uint64(file))
	buf = binary.AppendUvarint(buf, uint64(frame))
	return binary.AppendVarint(buf, time)
}

var errShort = errors.New("a chunk ends inside its head")

// parse reads the head of a chunk. It keeps a reference to value.
func parse(value []byte) (h head, err error) {
	r := reader{rest: value}
	kind := r.byte()
	h.file, h.frame, h.time = uint16(r.uvarint()), uint32(r.uvarint()), r.varint()
	switch kind {
	case kindRun:
		h.run = string(r.rest)
	case kindChunk:
		frame := h.frame
		for n := r.uvarint(); n > 0 && !r.short; n-- {
			frame += uint32(r.uvarint())
			h.late = append(h.late, late{frame, r.uvarint()})
		}
		h.body = r.rest
	default:
		return h, fmt.Errorf("a chunk of unknown kind %d", kind)
	}
	if r.short {
		return h, errShort
	}
	return h, nil
}

// A reader reads numbers from bytes.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.short = true
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	return v + r.skip(n)
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	return v + int64(r.skip(n))
}

// skip skips n bytes; it returns 0.
func (r *reader) skip(n int) uint64 {
	if n <= 0 {
		r.short, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return 0
}
