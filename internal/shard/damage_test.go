package shard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// sample is a shard of a sample, and the contents of its blocks.
func sample(t testing.TB) (file []byte, contents [][]byte) {
	t.Helper()
	file, err := os.ReadFile(split(t, shard.Split{Shards: 1}, "../../samples/post-fin-ack-rst.txtar")[0])
	if err != nil {
		t.Fatal(err)
	}
	for rest := file[packed.PreludeSize:]; len(rest) > 0; {
		k, err := packed.ParseBlock(rest)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, rest[packed.BlockHeader:][:k.Size])
		rest = rest[packed.BlockHeader+k.Size:]
	}
	if len(contents) != 3 {
		t.Fatalf("there are %d blocks, want names, segments, stats", len(contents))
	}
	return file, contents
}

// build makes a shard with these contents of its blocks.
func build(names, segments, stats []byte) []byte {
	b := (&packed.Prelude{Of: 1}).Append(nil)
	b = packed.AppendBlock(b, packed.BlockNames, names)
	b = packed.AppendBlock(b, packed.BlockSegments, segments)
	return packed.AppendBlock(b, packed.BlockStats, stats)
}

// readAll reads an input to its end.
func readAll(content []byte) error {
	trace, errs := source.Open([]string{"-"}, capture.Options{Stdin: bytes.NewReader(content)})
	if len(errs) > 0 {
		return errs[0]
	}
	defer trace.Close()
	if shards, is := trace.(*shard.Trace); is {
		var seg reassembly.Segment
		for err := error(nil); err == nil; {
			_, err = shards.Next(&seg)
		}
	}
	infos := trace.Infos()
	return infos[len(infos)-1].Err
}

// Damage is reported with the name of the file and the offset.
func TestDamage(t *testing.T) {
	file, c := sample(t)
	names := int64(packed.PreludeSize)
	segments := names + int64(packed.BlockHeader+len(c[0]))
	stats := segments + int64(packed.BlockHeader+len(c[1]))
	changed := func(at int64, b ...byte) []byte {
		f := bytes.Clone(file)
		copy(f[at:], b)
		return f
	}
	for name, x := range map[string]struct {
		content []byte
		offset  int64 // -1: no damage, but an error
		want    string
	}{
		"the future":      {changed(8, packed.Version+1), -1, fmt.Sprintf("is a shard in version %d of its format; this tcptrace reads version %d", packed.Version+1, packed.Version)},
		"prelude":         {changed(20, 7), -1, "the checksum of its first 48 bytes is wrong"},
		"cut prelude":     {file[:40], 0, "the file ends inside a prelude of 48 bytes"},
		"cut names":       {file[:segments-1], names, "the file ends inside a block of"},
		"names":           {changed(segments-1, 0), names, "the checksum of a block of"},
		"segments":        {changed(segments+20, 0xee), segments, "the checksum of a block of"},
		"cut":             {file[:stats], stats, "the file ends without its last block"},
		"cut header":      {file[:stats+5], stats, "the file ends inside a block header of 9 bytes"},
		"cut stats":       {file[:len(file)-1], stats, "the file ends inside a block of"},
		"huge":            {changed(segments+1, 0xff, 0xff, 0xff, 0x7f), segments, "a block of kind 2 claims 2147483647 bytes, of 65536 allowed"},
		"huge stats":      {changed(stats+1, 0xff, 0xff, 0xff, 0xff), stats, "a block of kind 3 claims 4294967295 bytes"},
		"two files":       {append(bytes.Clone(file), file...), int64(len(file)), "the file continues after its end"},
		"no names":        {append(file[:names:names], file[segments:]...), names, "the names of the captures are missing"},
		"lost segments":   {append(file[:segments:segments], file[stats:]...), segments, "segments were written, but there are 0"},
		"twice segments":  {bytes.Join([][]byte{file[:stats], file[segments:stats], file[stats:]}, nil), stats, "a segment does not come after the previous one"},
		"other captures":  {build([]byte{0}, nil, c[2]), 0, "13 segments were written, but there are 0"},
		"capture unknown": {build([]byte{0}, c[1], c[2]), segments - int64(len(c[0])) + 1, "a segment belongs to capture 1 of 0"},
		"empty stats":     {build(c[0], c[1], nil), stats, "byte 0 of the block: a number is cut off"},
		"lying stats":     {build(c[0], c[1], []byte{0xff, 0xff, 0xff, 0xff, 0x0f}), stats, "it claims 4294967295 elements, but 0 bytes are left"},
		"escape":          {build(c[0], c[1], bytes.Replace(c[2], []byte("scenario"), []byte("\x1b[31mred"), 1)), stats, "is not a name"},
		"chunk":           {build(c[0], []byte{1}, c[2]), segments, "the record at byte 0 of the chunk refers to a connection that the chunk does not have"},
	} {
		t.Run(name, func(t *testing.T) {
			err := readAll(x.content)
			var d *capture.Damage
			if err == nil || !strings.Contains(err.Error(), x.want) || !strings.HasPrefix(err.Error(), "-: ") {
				t.Fatalf("%v, want %s", err, x.want)
			}
			if is := errors.As(err, &d); is != (x.offset >= 0) || is && x.offset > 0 && d.Offset != x.offset {
				t.Errorf("%v (damage: %t), want it at byte %d", err, is, x.offset)
			}
		})
	}
}

// Blocks of unknown kinds are skipped.
func TestRead_skipsUnknownBlocks(t *testing.T) {
	file, c := sample(t)
	at := packed.PreludeSize + packed.BlockHeader + len(c[0])
	more := packed.AppendBlock(file[:at:at], 77, []byte("whatever"))
	more = append(more, file[at:]...)
	name := write(t, "shard-000", more)
	if want, got := reportOf(t, write(t, "shard-000", file)), reportOf(t, name); !bytes.Equal(want, got) {
		t.Errorf("with an unknown block, the report is\n%s\nwant\n%s", got, want)
	}
}

// FuzzRead: whatever a shard holds, analysing it ends without a panic.
func FuzzRead(f *testing.F) {
	_, c := sample(f)
	f.Add(c[0], c[1], c[2])
	for _, name := range []string{"half-close", "zero-window-probe-loop", "post-fin-ack-rst"} {
		file, err := os.ReadFile(split(f, shard.Split{Shards: 1}, "../../samples/"+name+".txtar")[0])
		if err != nil {
			f.Fatal(err)
		}
		names := file[packed.PreludeSize+packed.BlockHeader:]
		k, _ := packed.ParseBlock(file[packed.PreludeSize:])
		segments := names[k.Size+packed.BlockHeader:]
		l, _ := packed.ParseBlock(names[k.Size:])
		stats := segments[l.Size+packed.BlockHeader:]
		f.Add(names[:k.Size], segments[:l.Size], stats)
	}
	f.Fuzz(func(t *testing.T, names, segments, stats []byte) {
		if len(segments) > packed.MaxChunk {
			return
		}
		trace, errs := source.Open([]string{"-"}, capture.Options{Stdin: bytes.NewReader(build(names, segments, stats))})
		if len(errs) > 0 {
			return
		}
		defer trace.Close()
		source.Run(context.Background(), trace, engine.Options{Detectors: catalogue.All, Workers: 1, AllFlows: true})
	})
}
