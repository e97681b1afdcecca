package capture

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ulikunitz/xz"
)

// streams are whole xz streams of all kinds of chunks, blocks and checks.
func xzStreams(t *testing.T) (packed, plain []byte) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 300_000) // is stored as it is
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	content := bytes.Join([][]byte{noise, bytes.Repeat([]byte("packets"), 50_000), noise[:1001]}, nil)
	var b bytes.Buffer
	for i, c := range []xz.WriterConfig{
		{CheckSum: xz.CRC32}, {CheckSum: xz.CRC64, BlockSize: 70_001}, {CheckSum: xz.SHA256, BlockSize: 1000}, {NoCheckSum: true},
	} {
		c.DictCap = 1 << (20 + i)
		w, err := c.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(content)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b.Write(make([]byte, 4*i)) // padding
		plain = append(plain, content...)
	}
	return b.Bytes(), plain
}

func TestXZWalk_letsStreamsPass(t *testing.T) {
	packed, plain := xzStreams(t)
	for name, r := range map[string]io.Reader{"whole": bytes.NewReader(packed), "in bytes": iotest.OneByteReader(bytes.NewReader(packed))} {
		x := &xzSource{r: r, walk: newXZWalk(maxWindow)}
		if got, err := io.ReadAll(x); err != nil || !bytes.Equal(got, packed) {
			t.Errorf("%s: %d of %d bytes, %v", name, len(got), len(packed), err)
		}
	}
	r, err := xz.NewReader(&xzSource{r: bytes.NewReader(packed), walk: newXZWalk(maxWindow)})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%d of %d bytes, %v", len(got), len(plain), err)
	}
}

// The second stream asks for 4 GiB, which must not be allocated.
func TestXZ_laterBlockAsksForTooMuch(t *testing.T) {
	first := compressors["xz"](smallPcap())
	second := bytes.Clone(first)
	const dictionary = 12 + 4 // after the stream's header: size, flags, filter, its size
	second[dictionary] = 40
	f, err := openBytes(append(first, second...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var fr Frame
	for err == nil {
		err = f.Next(&fr)
	}
	if f.Info().Packets == 0 || !strings.Contains(err.Error(), "a history of 4095 MiB") && !strings.Contains(err.Error(), "a history of 4096 MiB") {
		t.Errorf("%d packets, then %v", f.Info().Packets, err)
	}
}
