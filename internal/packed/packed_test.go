package packed

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// all reads a chunk to its end.
func all(chunk []byte) (recs []Record, err error) {
	var d Decoder
	d.Reset(chunk)
	for {
		var rec Record
		switch err := d.Next(&rec); {
		case err == io.EOF:
			return recs, nil
		case err != nil:
			return recs, err
		}
		recs = append(recs, rec)
	}
}

// pack writes records into one chunk.
func pack(recs []Record) []byte {
	var e Encoder
	for i := range recs {
		e.Append(recs[i].Position, &recs[i].Segment)
	}
	return e.Chunk()
}

// someRecords are records of a few connections, with any valid values.
func someRecords(r *rand.Rand, n int) []Record {
	ends := make([]reassembly.Endpoint, 6)
	for i := range ends {
		if ends[i].Port = uint16(r.Uint32()); i < 4 {
			ends[i].Addr = [16]byte{10: 0xff, 11: 0xff, 12: 10, 15: byte(r.Uint32())}
		} else {
			for j := range ends[i].Addr {
				ends[i].Addr[j] = byte(r.Uint32())
			}
		}
	}
	odd := func(usual, wild uint64) uint64 {
		if r.IntN(4) == 0 {
			return wild
		}
		return usual
	}
	recs := make([]Record, n)
	at, position := int64(1e18), uint64(0)
	frames := map[uint16]uint32{}
	for i := range recs {
		s := &recs[i].Segment
		position += 1 + odd(0, uint64(r.IntN(1000)))
		at += int64(odd(uint64(r.IntN(1e6))*1000, uint64(r.IntN(1e9)))) - int64(odd(0, 1e6))
		s.File = uint16(odd(0, uint64(r.IntN(3))))
		frames[s.File] += uint32(1 + odd(0, uint64(r.IntN(100))))
		recs[i].Position, s.At, s.Frame = position, at, frames[s.File]
		from := r.IntN(len(ends))
		s.Src, s.Dst = ends[from], ends[odd(uint64(from^1), uint64(r.IntN(len(ends))))]
		s.Seq, s.Ack = reassembly.Seq(odd(1000, r.Uint64())), reassembly.Seq(odd(2000, r.Uint64()))
		s.Len, s.Window, s.Flags = uint32(odd(0, uint64(r.IntN(1<<17)))), uint16(odd(500, r.Uint64())), reassembly.Flags(odd(16, r.Uint64()))
		s.IPID, s.TTL = uint16(odd(uint64(i), r.Uint64())), uint8(odd(64, r.Uint64()))
		s.Tunnel, s.Link = uint32(odd(0, r.Uint64())), uint32(odd(7, r.Uint64()))
		o := &s.Opts
		o.Has = reassembly.OptionBits(odd(uint64(reassembly.HasTimestamps), r.Uint64()))
		if o.Has&reassembly.HasTimestamps != 0 {
			o.TSVal, o.TSEcr = uint32(odd(5, r.Uint64())), uint32(odd(6, r.Uint64()))
		}
		if o.Has&reassembly.HasMSS != 0 {
			o.MSS = uint16(r.Uint32())
		}
		if o.Has&reassembly.HasScale != 0 {
			o.Scale = uint8(r.Uint32())
		}
		o.NBlocks = uint8(odd(0, uint64(r.IntN(5))))
		for b := range o.Blocks[:o.NBlocks] {
			o.Blocks[b] = reassembly.Block{From: reassembly.Seq(r.Uint32()), To: reassembly.Seq(r.Uint32())}
		}
	}
	return recs
}

func TestChunk_holdsEverything(t *testing.T) {
	for seed := range uint64(200) {
		want := someRecords(rand.New(rand.NewPCG(seed, 0)), 200)
		got, err := all(pack(want))
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		demandSame(t, want, got)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// Records hold the low 32 bits of frame numbers, which begin again after 2^32-1, also where a chunk or a file of the trace begins.
func TestChunk_numbersBeginAgain(t *testing.T) {
	for seed := range uint64(20) {
		for _, zero := range []int{0, 1, 100, 199} {
			want := someRecords(rand.New(rand.NewPCG(seed, 8)), 200)
			first := want[zero].Frame
			for i := range want {
				want[i].Frame -= first
			}
			got, err := all(pack(want))
			if err != nil {
				t.Fatalf("seed %d, frame 0 is segment %d: %v", seed, zero, err)
			}
			demandSame(t, want, got)
		}
	}
}

func demandSame(t *testing.T, want, got []Record) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d segments came out of %d", len(got), len(want))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("segment %d: got\n%+v, want\n%+v", i+1, got[i], want[i])
		}
	}
}

// The same segments are the same bytes, also from an Encoder that was used.
func TestEncoder_reset(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	first, second := someRecords(r, 300), someRecords(r, 300)
	var e Encoder
	for i := range first {
		e.Append(first[i].Position, &first[i].Segment)
	}
	e.Reset()
	if e.Len() != 0 || e.Count() != 0 {
		t.Errorf("after Reset there are %d segments in %d bytes", e.Count(), e.Len())
	}
	for i := range second {
		e.Append(second[i].Position, &second[i].Segment)
	}
	if !bytes.Equal(e.Chunk(), pack(second)) {
		t.Error("an Encoder that was used packs otherwise than a new one")
	}
}

// No record is larger than the room that remains if the chunk is not Full.
func TestEncoder_full(t *testing.T) {
	var e Encoder
	most := 0
	for i, rec := range someRecords(rand.New(rand.NewPCG(3, 4)), 20_000) {
		before := e.Len()
		e.Append(rec.Position, &rec.Segment)
		most = max(most, e.Len()-before)
		if i%7 == 0 {
			e.Reset()
		}
	}
	if most > maxRecord {
		t.Errorf("a record has %d bytes, of %d at most", most, maxRecord)
	}
}

func TestDecoder_refuses(t *testing.T) {
	ends4 := "\x00\x04\x0a\x00\x00\x01\x0a\x00\x00\x02\x00\x50\x01\xbb"
	for name, c := range map[string]struct{ chunk, want string }{
		"cut":            {ends4 + "\x01", "the record at byte 0 of the chunk has a number that is cut off"},
		"no ends":        {"\x00\x04\x0a", "is cut off"},
		"family":         {"\x00\x05", "unknown family"},
		"stranger":       {"\x07\x01\x00\x00", "a connection that the chunk does not have"},
		"standing still": {ends4 + "\x00\x00\x00", "does not come after the previous one"},
		"unknown field":  {ends4 + "\x01\x80\x80\x02\x00", "unknown fields"},
		"time":           {ends4 + "\x01\x00\x01", "an impossible time"},
		"far time":       {ends4 + "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "an impossible time"},
		"frame":          {ends4 + "\x01\x40\x00\x80\x80\x80\x80\x40", "an impossible frame number"},
		"frame below 0":  {ends4 + "\x01\x40\x00\x03", "an impossible frame number"},
		"length":         {ends4 + "\x01\x08\x00\xff\xff\xff\xff\xff\x01", "longer than any segment"},
		"blocks":         {ends4 + "\x01\x80\x08\x00\x05", "an impossible number of SACK blocks"},
		"icmp":           {ends4 + "\x01\x80\x20\x00" + strings.Repeat("\x00", 20), "an impossible ICMP error"},
		"endless":        {strings.Repeat("\xff", 20), "cut off or too large"},
	} {
		_, err := all([]byte(c.chunk))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// FuzzChunk: whatever the bytes are, reading ends without a panic, and the segments
// are the same after packing and reading them again.
func FuzzChunk(f *testing.F) {
	for seed := range uint64(4) {
		f.Add(pack(someRecords(rand.New(rand.NewPCG(seed, 9)), 30)))
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		if len(chunk) > MaxChunk {
			return
		}
		recs, err := all(chunk)
		if len(recs) > len(chunk)/4 {
			t.Fatalf("%d segments in %d bytes", len(recs), len(chunk))
		}
		if err != nil && errors.Is(err, io.EOF) {
			t.Fatal("an error is no end")
		}
		again, err := all(pack(recs))
		if err != nil {
			t.Fatal(err)
		}
		demandSame(t, recs, again)
	})
}

func BenchmarkEncode(b *testing.B) {
	recs := someRecords(rand.New(rand.NewPCG(1, 1)), 500)
	var e Encoder
	for b.Loop() {
		e.Reset()
		for i := range recs {
			e.Append(recs[i].Position, &recs[i].Segment)
		}
	}
}
