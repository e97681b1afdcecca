package metamorphic

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// The report does not depend on the file format.
func TestEncodings(t *testing.T) {
	for _, e := range encodings() {
		t.Run(e.name, func(t *testing.T) {
			forEach(t, 4, func(t *testing.T, c *conversation) {
				frames := moved(c.frames, e.unit.floor)
				want, err := analyse(plain.pcap(frames))
				if err != nil {
					t.Fatal(err)
				}
				got, err := analyse(e.write(t, plain.records(frames)))
				if err != nil {
					t.Fatal(err)
				}
				summarise(want, nil).same(t, summarise(got, nil))
			})
		})
	}
}

// If a file is cut off or ends in garbage, the frames before are good.
func TestTrailingGarbage(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		r := random(t)
		for range 5 {
			garbage := make([]byte, r.IntN(16)) // too short for a record
			for i := range garbage {
				garbage[i] = byte(r.Uint32())
			}
			rep, err := analyse(append(plain.pcap(c.frames), garbage...))
			if err != nil {
				t.Fatal(err)
			}
			c.plain.same(t, summarise(rep, nil))
		}
	})
}

// An encoding is a file format with its unit of time.
type encoding struct {
	name  string
	unit  unit
	write func(*testing.T, []record) []byte
}

func encodings() []encoding {
	le, bige := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	classic := func(order binary.AppendByteOrder, nano bool) func(*testing.T, []record) []byte {
		return func(_ *testing.T, rs []record) []byte { return pcap(order, nano, plain.link, rs) }
	}
	all := []encoding{
		{"pcap little-endian micro", decimal(6), classic(le, false)},
		{"pcap big-endian micro", decimal(6), classic(bige, false)},
		{"pcap little-endian nano", decimal(9), classic(le, true)},
		{"pcap big-endian nano", decimal(9), classic(bige, true)},
	}
	for _, u := range []unit{decimal(3), decimal(4), decimal(6), decimal(7), decimal(9), decimal(10), binaryUnit(10), binaryUnit(20), binaryUnit(30)} {
		for _, order := range []binary.AppendByteOrder{le, bige} {
			all = append(all, encoding{fmt.Sprintf("pcapng %v %v", order, u), u, ngStyle{order: order, unit: u}.write})
		}
	}
	micro, nano := decimal(6), decimal(9)
	all = append(all,
		encoding{"pcapng with an offset", micro, ngStyle{order: le, unit: micro, offset: 900_000_000}.write},
		encoding{"pcapng with a negative offset", nano, ngStyle{order: bige, unit: nano, offset: -400_000_000}.write},
		encoding{"pcapng with a section for each frame", nano, ngStyle{order: le, unit: nano, sections: true}.write},
		encoding{"pcapng with big-endian sections", micro, ngStyle{order: bige, unit: micro, sections: true}.write},
		encoding{"pcapng with three interfaces", micro, ngStyle{order: le, unit: micro, interfaces: 3}.write},
		encoding{"pcapng with unknown blocks", micro, ngStyle{order: le, unit: micro, unknown: true}.write},
		encoding{"pcapng with obsolete packet blocks", micro, ngStyle{order: le, unit: micro, obsolete: true}.write},
		encoding{"pcapng with simple packet blocks", micro, ngStyle{order: le, unit: micro, simple: true}.write},
		encoding{"pcapng of all this", nano, ngStyle{order: bige, unit: nano, offset: 7, sections: true, interfaces: 2, unknown: true, simple: true}.write},
	)
	shard := asShard(classic(le, true))
	all = append(all, encoding{"shard", nano, shard})
	for _, c := range compressions {
		all = append(all,
			encoding{"pcap " + c.name, nano, c.after(classic(le, true))},
			encoding{"pcapng " + c.name, nano, c.after(ngStyle{order: le, unit: nano}.write)},
			encoding{"shard " + c.name, nano, c.after(shard)})
	}
	return all
}

// A compression packs a file.
type compression struct {
	name string
	pack func(plain []byte) ([]byte, error)
}

func (c *compression) after(write func(*testing.T, []record) []byte) func(*testing.T, []record) []byte {
	return func(t *testing.T, rs []record) []byte {
		packed, err := c.pack(write(t, rs))
		if err != nil {
			t.Fatal(err)
		}
		return packed
	}
}

var compressions = []compression{
	{"gzip", func(plain []byte) ([]byte, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(plain)
		w.Close()
		return b.Bytes(), err
	}},
	{"gzip in two members", func(plain []byte) ([]byte, error) {
		var b bytes.Buffer
		for _, part := range [][]byte{plain[:len(plain)/2], plain[len(plain)/2:]} {
			w := gzip.NewWriter(&b)
			w.Write(part)
			w.Close()
		}
		return b.Bytes(), nil
	}},
	{"zstd", func(plain []byte) ([]byte, error) {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			return nil, err
		}
		defer w.Close()
		return w.EncodeAll(plain, nil), nil
	}},
	{"lz4", func(plain []byte) ([]byte, error) {
		var b bytes.Buffer
		w := lz4.NewWriter(&b)
		_, err := w.Write(plain)
		w.Close()
		return b.Bytes(), err
	}},
	{"xz", func(plain []byte) ([]byte, error) {
		var b bytes.Buffer
		w, err := xz.WriterConfig{DictCap: 1 << 16}.NewWriter(&b)
		if err != nil {
			return nil, err
		}
		w.Write(plain)
		err = w.Close()
		return b.Bytes(), err
	}},
}
