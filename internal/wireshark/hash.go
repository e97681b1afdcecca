package wireshark

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// A hash is the running hash of the frames of a file so far, as dissector.lua
// calculates it: of the time and both lengths of each. A frame that shows something
// is compared with its first bytes as well, and with it all frames before it. So a
// capture that was edited, cut at its beginning or merged with another one shows
// nothing from the first frame on that differs; and once that has been seen, nothing
// at all, which is when Wireshark displays frames, and in the second pass of tshark -2.
//
// In its only pass, tshark prints a frame before it has seen the next. Where the
// script can learn the name of the file (/proc), it compares the digest of the file
// before the first frame.
//
// This detects mix-ups, not attacks: who writes the capture may as well write the
// script.
type hash uint64

const (
	modulus = 1<<32 - 5 // a prime
	ticks   = 1 << 22   // in a second
	factor  = 65599     // a product stays exact as a float64, which numbers are in Lua 5.2

	// mostContent is how many bytes of a frame are compared: the headers, as a rule.
	mostContent = 96
)

// mix adds a value below 2^32.
func (h *hash) mix(value uint64) { *h = (*h*factor + hash(value)) % modulus }

// frame adds a frame that has this time in its file, in nanoseconds since 1970.
func (h *hash) frame(fr *capture.Frame, time int64) {
	const second = 1e9
	secs, nsecs := time/second, time%second
	if nsecs < 0 {
		secs, nsecs = secs-1, nsecs+second
	}
	number := float64(secs) + float64(nsecs)/second // pinfo.abs_ts, which rounds to a quarter of a microsecond
	whole := math.Floor(number)
	h.mix(uint64((int64(whole)%modulus + modulus) % modulus))
	h.mix(uint64((number - whole) * ticks))
	h.mix(uint64(fr.Len))
	h.mix(uint64(len(fr.Data)))
}

// with is the hash together with the content of the frame that was added last.
func (h hash) with(content []byte) uint32 {
	h.bytes(content[:min(len(content), mostContent)])
	return uint32(h)
}

// bytes adds bytes, as words; the last one is filled up with zeroes.
func (h *hash) bytes(content []byte) {
	for len(content) >= 4 {
		h.mix(uint64(binary.BigEndian.Uint32(content)))
		content = content[4:]
	}
	if len(content) > 0 {
		var rest [4]byte
		copy(rest[:], content)
		h.mix(uint64(binary.BigEndian.Uint32(rest[:])))
	}
}

// An Identity tells a file, as it is stored, from others.
type Identity struct {
	SHA256 string // for people; empty if the file is unknown
	digest hash   // what a script can calculate in no time
}

// The digest of a large file is that of so many blocks of so many bytes.
const (
	blocks = 64
	block  = 4096
)

// IdentityOf reads a file.
func IdentityOf(f io.ReadSeeker) (id Identity, err error) {
	sum := sha256.New()
	size, err := io.Copy(sum, f)
	if err != nil {
		return Identity{}, err
	}
	id.SHA256 = fmt.Sprintf("%x", sum.Sum(nil))
	id.digest.mix(uint64(size % modulus))
	n, length := int64(blocks), int64(block)
	if size <= blocks*block {
		n, length = 1, size
	}
	content := make([]byte, length)
	for i := range n {
		var at int64
		if i > 0 {
			at = i * (size - length) / (n - 1)
		}
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			return Identity{}, err
		}
		if _, err := io.ReadFull(f, content); err != nil {
			return Identity{}, err
		}
		id.digest.bytes(content)
	}
	return id, nil
}
