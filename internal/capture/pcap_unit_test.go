package capture

import (
	"bytes"
	"testing"
	"testing/iotest"
)

// A pipe shows one record at a time: the unit is chosen anew when a fraction shows it, but
// not after a thousand that all were microseconds.
func TestPcap_unitOfPipe(t *testing.T) {
	for _, c := range []struct {
		before int // records of the first millisecond
		frac   uint32
		want   int64 // time of the record after them
	}{
		{1, 500_000_000, 500_000_000},
		{1, 1_500_000, 1_500_000_000}, // may be one that was not carried
		{unitRecords - 1, 2_000_000, 2_000_000},
		{unitRecords, 2_000_000, 2_000_000_000},
	} {
		w := newPcapWriter(pcapHeader{})
		for range c.before {
			w.raw(1, 900_000, 1, 1, []byte("x"))
		}
		w.raw(1, c.frac, 1, 1, []byte("x"))
		var info Info
		s := newStream(iotest.OneByteReader(bytes.NewReader(w.Bytes())), 64)
		s.has(pcapFileHeader)
		p, err := newPcap(s, &info)
		var fr Frame
		for n := 0; err == nil && n <= c.before; n++ {
			err = p.next(&fr)
		}
		if err != nil || fr.At != 1e9+c.want {
			t.Errorf("after %d records, a fraction of %d is %d ns, want %d; %v", c.before, c.frac, fr.At-1e9, c.want, err)
		}
		if warned := len(info.Warnings) == 1; warned != (p.unit == 1) {
			t.Errorf("warnings are %q", info.Warnings)
		}
	}
}
