package decode

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func TestReadOptions(t *testing.T) {
	const (
		cut       = reassembly.OptionsCut
		malformed = reassembly.OptionsMalformed
	)
	block := func(from, to reassembly.Seq) reassembly.Block { return reassembly.Block{From: from, To: to} }
	ts := reassembly.Options{Has: reassembly.HasTimestamps, TSVal: 111, TSEcr: 222}
	tsAnd := func(bits reassembly.OptionBits) reassembly.Options {
		o := ts
		o.Has |= bits
		return o
	}
	mss := reassembly.Options{Has: reassembly.HasMSS, MSS: 1460}
	mssAnd := func(bits reassembly.OptionBits) reassembly.Options {
		o := mss
		o.Has |= bits
		return o
	}
	mssBytes := []byte{2, 4, 0x05, 0xb4}
	for _, c := range []struct {
		name string
		b    []byte
		more int // bytes that the capture cut
		want reassembly.Options
	}{
		{"timestamps", timestamps, 0, ts},
		{"timestamps, then nops", cat(timestamps, []byte{1, 1, 1, 1}), 0, ts},
		{"timestamps without padding before", cat(timestamps[2:], []byte{0, 0}), 0, ts},
		{"syn", cat(mssBytes, []byte{4, 2}, timestamps[2:], []byte{1, 3, 3, 14}), 0, reassembly.Options{
			Has: reassembly.HasMSS | reassembly.HasScale | reassembly.HasSACKPermitted | reassembly.HasTimestamps,
			MSS: 1460, Scale: 14, TSVal: 111, TSEcr: 222}},
		{"scale 0 is a scale", []byte{3, 3, 0, 0}, 0, reassembly.Options{Has: reassembly.HasScale}},
		{"scale as sent", []byte{3, 3, 200, 0}, 0, reassembly.Options{Has: reassembly.HasScale, Scale: 200}},
		{"one block", cat([]byte{1, 1, 5, 10}, be32(1, 2)), 0, reassembly.Options{
			NBlocks: 1, Blocks: [4]reassembly.Block{block(1, 2)}}},
		{"four blocks", cat([]byte{1, 1, 5, 34}, be32(1, 2, 3, 4, 5, 6, 7, 8)), 0, reassembly.Options{
			NBlocks: 4, Blocks: [4]reassembly.Block{block(1, 2), block(3, 4), block(5, 6), block(7, 8)}}},
		{"unknown kind", cat([]byte{254, 4, 0, 0}, timestamps), 0, ts},
		{"end, then rubbish", cat(mssBytes, []byte{0, 8, 99, 99}), 0, mss},
		{"no blocks", cat(mssBytes, []byte{5, 2, 0, 0}), 0, mssAnd(malformed)},
		{"half a block", cat(mssBytes, []byte{5, 6}, be32(1), []byte{1, 1}), 0, mssAnd(malformed)},
		{"length 0", cat(mssBytes, []byte{8, 0, 1, 1}), 0, mssAnd(malformed)},
		{"length 1", cat(mssBytes, []byte{8, 1, 1, 1}), 0, mssAnd(malformed)},
		{"length beyond header", cat(mssBytes, []byte{8, 10, 1, 1}), 0, mssAnd(malformed)},
		{"no length", cat(mssBytes, []byte{1, 1, 1, 8}), 0, mssAnd(malformed)},
		{"long mss", []byte{2, 6, 5, 0xb4, 0, 0, 0, 0}, 0, reassembly.Options{Has: malformed}},
		{"short scale", []byte{3, 2, 0, 0}, 0, reassembly.Options{Has: malformed}},
		{"long sack permitted", []byte{4, 3, 0, 0}, 0, reassembly.Options{Has: malformed}},
		{"short timestamps", []byte{8, 4, 0, 0}, 0, reassembly.Options{Has: malformed}},
		{"options after a malformed one are not read", cat([]byte{8, 4, 0, 0}, mssBytes), 0, reassembly.Options{Has: malformed}},
		{"all cut", nil, 12, reassembly.Options{Has: cut}},
		{"cut in a value", mssBytes[:3], 9, reassembly.Options{Has: cut}},
		{"cut before a length", cat(mssBytes, []byte{8}), 7, mssAnd(cut)},
		{"cut between", mssBytes, 8, mssAnd(cut)},
		{"cut after the end", cat(mssBytes, []byte{0}), 7, mss},
		{"cut, and a malformed all the same", cat(mssBytes, []byte{8, 10}), 2, mssAnd(malformed)},
		{"last byte cut away is no option", cat(timestamps, mssBytes[:1]), 0, tsAnd(malformed)},
		{"timestamps of a cut header", timestamps, 4, tsAnd(cut)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got reassembly.Options
			readOptions(c.b, len(c.b)+c.more, &got)
			if got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}
