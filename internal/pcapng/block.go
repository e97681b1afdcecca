package pcapng

import (
	"encoding/binary"
	"strings"
	"unicode/utf8"
)

// Blocks and options
// (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html section 4).
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockStatistics = 5
	blockPacket     = 6

	optEnd     = 0
	optComment = 1

	optHardware    = 2 // of a section
	optSystem      = 3
	optApplication = 4

	optName        = 2 // of an interface
	optDescription = 3
	optResolution  = 9
	optFilter      = 11

	optEndTime  = 3 // of statistics
	optReceived = 4
	optOSDrop   = 7
)

var le = binary.LittleEndian

// begin starts a block. end finishes it with its length, at both ends.
func begin(b []byte, kind uint32) []byte { return le.AppendUint32(le.AppendUint32(b, kind), 0) }

func end(b []byte, start int) []byte {
	length := uint32(len(b) - start + 4)
	le.PutUint32(b[start+4:], length)
	return le.AppendUint32(b, length)
}

// maxOption is the longest value of an option, whose length has 16 bits.
const maxOption = 1<<16 - 1

// appendText writes an option of text, if there is any: UTF-8, cut to maxOption.
func appendText(b []byte, code uint16, text string) []byte {
	if text == "" {
		return b
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if len(text) > maxOption {
		n := maxOption
		for !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	return align(append(appendCode(b, code, len(text)), text...))
}

// appendCode writes the head of an option.
func appendCode(b []byte, code uint16, size int) []byte {
	return le.AppendUint16(le.AppendUint16(b, code), uint16(size))
}

func appendCount(b []byte, code uint16, n uint64) []byte {
	return le.AppendUint64(appendCode(b, code, 8), n)
}

func appendEnd(b []byte) []byte { return appendCode(b, optEnd, 0) }

// appendStamp writes a time as pcapng does, the high half first.
func appendStamp(b []byte, stamp uint64) []byte {
	return le.AppendUint32(le.AppendUint32(b, uint32(stamp>>32)), uint32(stamp))
}

// align pads to a multiple of four, where every block begins.
func align(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
