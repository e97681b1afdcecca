package packed

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Version is the version of the format. Readers refuse others.
const Version = 12

// Magic is how a file begins. Its first byte is not text, and its line ends change
// if somebody transfers the file as text.
const Magic = "\x93tcp\r\n\x1a\n"

// MaxShards is the maximum number of shards of a trace.
const MaxShards = 4096

// A Prelude is at the start of a file. It says which part of which trace this is.
type Prelude struct {
	Shard, Of uint32
	// Split identifies the split: a hash of all shards, zero in a file that was
	// not finished.
	Split [16]byte
	Start int64 // time of the trace's first frame, nanoseconds since 1970
}

// PreludeSize is the size in bytes, the same in every version.
const PreludeSize = 48

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append appends the prelude.
func (p *Prelude) Append(b []byte) []byte {
	from := len(b)
	b = append(b, Magic...)
	b = binary.LittleEndian.AppendUint32(b, Version)
	b = binary.LittleEndian.AppendUint32(b, p.Shard)
	b = binary.LittleEndian.AppendUint32(b, p.Of)
	b = append(b, p.Split[:]...)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Start))
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli))
}

// ParsePrelude reads a prelude, given PreludeSize bytes that begin with Magic.
func ParsePrelude(b []byte) (p Prelude, err error) {
	le := binary.LittleEndian
	if v := le.Uint32(b[8:]); v != Version {
		return p, fmt.Errorf("is a shard in version %d of its format; this tcptrace reads version %d", v, Version)
	}
	if le.Uint32(b[PreludeSize-4:]) != crc32.Checksum(b[:PreludeSize-4], castagnoli) {
		return p, fmt.Errorf("the checksum of its first %d bytes is wrong", PreludeSize)
	}
	p = Prelude{Shard: le.Uint32(b[12:]), Of: le.Uint32(b[16:]), Split: [16]byte(b[20:]), Start: int64(le.Uint64(b[36:]))}
	if p.Of == 0 || p.Of > MaxShards || p.Shard >= p.Of || p.Start < 0 || p.Start > maxTime {
		return p, fmt.Errorf("is an impossible shard: number %d of %d", p.Shard, p.Of)
	}
	return p, nil
}

// The kinds of blocks. A reader skips those that it does not know.
const (
	BlockNames    = 1 // of the captures, the first block
	BlockSegments = 2 // a chunk
	BlockStats    = 3 // the last block; a file without it was cut short
	BlockPlaces   = 4 // before the segments: where the captures were made
	BlockRelated  = 5 // before the statistics: what connections of other shards have to do with these
)

// BlockHeader is the size of a block's header in bytes: kind, length, checksum.
const BlockHeader = 9

// MaxBlock is the maximum size of a block's content in bytes; for a chunk it is
// MaxChunk.
const MaxBlock = 64 << 20

// AppendBlock appends a block.
func AppendBlock(b []byte, kind byte, content []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, kind), uint32(len(content)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(content, castagnoli))
	return append(b, content...)
}

// A Block is a block's header.
type Block struct {
	Kind byte
	Size int
	Sum  uint32
}

// ParseBlock reads a block's header, given BlockHeader bytes.
func ParseBlock(b []byte) (Block, error) {
	le := binary.LittleEndian
	k := Block{Kind: b[0], Size: int(le.Uint32(b[1:])), Sum: le.Uint32(b[5:])}
	most := MaxBlock
	if k.Kind == BlockSegments {
		most = MaxChunk
	}
	if k.Size > most {
		return k, fmt.Errorf("a block of kind %d claims %d bytes, of %d allowed", k.Kind, k.Size, most)
	}
	return k, nil
}

// Holds reports whether the content has the block's checksum.
func (k Block) Holds(content []byte) bool { return crc32.Checksum(content, castagnoli) == k.Sum }
