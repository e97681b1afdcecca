package capture

import (
	"io"
	"math"
	"slices"
	"testing"
)

// many is records whose numbers begin just before the largest.
type many struct{ num uint32 }

func (m *many) next(fr *Frame) error {
	if m.num == 5 {
		return io.EOF
	}
	fr.Num, fr.At = m.num, at
	m.num++
	return nil
}

func (*many) close() {}

// A capture of more than 2^32 frames says once that its numbers begin again.
func TestFile_numbersBeginAgain(t *testing.T) {
	f := &File{records: &many{num: math.MaxUint32 - 5}}
	var fr Frame
	for f.Next(&fr) == nil {
	}
	if info := f.Info(); info.Packets != 11 || !slices.Equal(info.Warnings, []string{Renumbered}) {
		t.Errorf("%d frames, and %q", info.Packets, info.Warnings)
	}
}
