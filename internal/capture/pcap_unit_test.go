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

// Fractions below a second that lie in several seconds are microseconds: one that is larger is
// wrong.
func TestPcap_unitOfOne(t *testing.T) {
	for _, c := range []struct {
		seconds uint32 // in which there are two records each
		beyond  int    // records with a larger fraction, before them
		want    int64  // time of the last
	}{
		{1, 1, 900_000}, // of one first millisecond
		{2, 1, 900_000_000},
		{2, 3, 900_000_000},
		{2, 4, 900_000},
	} {
		w := newPcapWriter(pcapHeader{})
		for range c.beyond {
			w.raw(1, 8_915_240, 1, 1, []byte("x"))
		}
		for sec := range c.seconds {
			w.raw(1+sec, 800_000, 1, 1, []byte("x"))
			w.raw(1+sec, 900_000, 1, 1, []byte("x"))
		}
		var info Info
		s := newStream(bytes.NewReader(w.Bytes()), 4096)
		s.has(pcapFileHeader)
		p, err := newPcap(s, &info)
		var fr Frame
		for n := 0; err == nil && n < c.beyond+2*int(c.seconds); n++ {
			err = p.next(&fr)
		}
		if want := int64(c.seconds)*1e9 + c.want; err != nil || fr.At != want {
			t.Errorf("%+v: the last record is at %d, want %d; %v", c, fr.At, want, err)
		}
	}
}

// Seven decimals of a printed number have lost zeros at both ends; they show in three seconds, and
// nothing else does.
func TestPcap_unitOfDecimals(t *testing.T) {
	type record struct{ sec, frac uint32 }
	printed := []record{{1, 687_814}, {1, 76_274}, {1, 1_765_524}, {1, 9_076_738}, {2, 823}, {2, 1_748_555}, {2, 175_665}, {2, 9_943_345}, {3, 8_302_958}}
	for _, c := range []struct {
		name    string
		records []record
		want    []int64 // the fractions, in units of 100 ns
	}{
		{"printed", printed, []int64{687_814, 762_740, 1_765_524, 9_076_738, 823, 1_748_555, 1_756_650, 9_943_345, 8_302_958}},
		{"two seconds", append(printed[:8:8], record{2, 9_943_346}), nil},
		{"a larger one", append(printed[:9:9], record{3, 10_000_000}), nil},
		{"microseconds for the most part", append(printed[:9:9], record{3, 1}, record{3, 2}, record{3, 3}, record{3, 4}, record{3, 5}), nil},
		{"a late one", append(printed[:9:9], record{2, 5_000_000}, record{3, 83}, record{3, 9}), []int64{687_814, 762_740, 1_765_524, 9_076_738, 823, 1_748_555, 1_756_650, 9_943_345, 8_302_958, 5_000_000, 8_300_000, 9_000_000}},
	} {
		w := newPcapWriter(pcapHeader{})
		for _, r := range c.records {
			w.raw(r.sec, r.frac, 1, 1, []byte("x"))
		}
		var info Info
		s := newStream(bytes.NewReader(w.Bytes()), 4096)
		s.has(pcapFileHeader)
		p, err := newPcap(s, &info)
		var fr Frame
		for i := 0; err == nil && i < len(c.records); i++ {
			if err = p.next(&fr); err == nil && c.want != nil && fr.At != int64(c.records[i].sec)*1e9+c.want[i]*100 {
				t.Errorf("%s: record %d is at %d, want %d", c.name, i, fr.At, c.want[i]*100)
			}
		}
		if err != nil || p.lost != (c.want != nil) || len(info.Warnings) > 1 {
			t.Errorf("%s: lost %t; %v %q", c.name, p.lost, err, info.Warnings)
		}
	}
}
