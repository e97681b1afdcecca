package capture

import (
	"io"
	"math"
	"testing"
)

// many is records whose numbers begin just before the largest.
type many struct{ num uint32 }

func (m *many) next(fr *Frame) error {
	if m.num == 5 {
		return io.EOF
	}
	fr.Num, fr.At = m.num, at+int64(m.num+10)
	m.num++
	return nil
}

func (*many) close() {}

// Frames beyond 2^32 have whole numbers: a segment holds the low 32 bits, the file knows when
// they began again.
func TestFile_numbersBeginAgain(t *testing.T) {
	f := &File{records: &many{num: math.MaxUint32 - 5}}
	var fr Frame
	var last Frame
	for f.Next(&fr) == nil {
		last = fr
	}
	info := f.Info()
	if n := info.Turns.Number(last.Num, last.At); info.Packets != 11 || len(info.Warnings) > 0 || n != 1<<32+4 {
		t.Errorf("%d frames, the last is %d, and %q", info.Packets, n, info.Warnings)
	}
}
