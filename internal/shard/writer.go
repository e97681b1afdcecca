package shard

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// memory is how many bytes all open chunks may have together. An encoder needs up
// to eight times the size of its chunk.
const memory = 64 << 20

// A writer writes all shards of a split. No file stays open between two chunks, so
// that there can be more shards than open files.
type writer struct {
	split *Split
	files []file
	chunk int    // size of a full chunk, in bytes
	block []byte // the block that is written
}

// A file is one shard that is being written.
type file struct {
	path, temp string
	encoder    packed.Encoder
	segments   uint64
	bytes      int64
	sum        uint64 // of all blocks
}

// begin writes the prelude and the names of every file.
func (w *writer) begin(captures []string) error {
	names := packed.AppendNames(nil, captures)
	places, err := w.places()
	if err != nil {
		return err
	}
	if len(names) > packed.MaxBlock || len(places) > packed.MaxBlock {
		return errors.New("the names of the captures do not fit into a shard")
	}
	for i := range w.files {
		f := &w.files[i]
		f.path = filepath.Join(w.split.Dir, name(i, len(w.files)))
		prelude := packed.Prelude{Shard: uint32(i), Of: uint32(len(w.files))}
		temp, err := output.CreateTemp(w.split.Dir, "."+name(i, len(w.files))+".*")
		if err != nil {
			return err
		}
		f.temp = temp.Name()
		w.block = packed.AppendBlock(prelude.Append(w.block[:0]), packed.BlockNames, names)
		if places != nil {
			w.block = packed.AppendBlock(w.block, packed.BlockPlaces, places)
		}
		f.bytes = int64(len(w.block))
		if err := closed(temp, w.block); err != nil {
			return err
		}
	}
	return nil
}

// places is the block of where the captures were made, if that is known before they are read.
func (w *writer) places() ([]byte, error) {
	o := &w.split.Engine
	places := packed.Places{Coverage: o.Coverage}
	if w.split.Taps != nil {
		places.Points, places.Plan = o.Points.N, w.split.Taps.Plan
	}
	if places.Points == 0 && places.Coverage == nil {
		return nil, nil
	}
	return packed.AppendJSON(nil, &places)
}

// closed writes to a file and closes it.
func closed(f *os.File, b []byte) error {
	_, err := f.Write(b)
	return errors.Join(err, f.Close())
}

// add writes a segment to its shard.
func (w *writer) add(position uint64, seg *reassembly.Segment) error {
	f := &w.files[w.shardOf(w.route(seg))]
	if f.encoder.Full() || f.encoder.Len() >= w.chunk {
		if err := w.flush(f); err != nil {
			return err
		}
	}
	f.encoder.Append(position, seg)
	if !seg.IsQuote() {
		f.segments++
	}
	return nil
}

func (w *writer) route(seg *reassembly.Segment) uint64 {
	if w.split.Taps != nil {
		return w.split.Taps.Route(seg)
	}
	return engine.Tuple(seg)
}

func (w *writer) shardOf(tuple uint64) int { return engine.ShardOf(tuple, len(w.files)) }

// flush writes the current chunk.
func (w *writer) flush(f *file) error {
	if f.encoder.Count() == 0 {
		return nil
	}
	err := w.append(f, packed.BlockSegments, f.encoder.Chunk())
	f.encoder.Reset()
	return err
}

// append writes a block.
func (w *writer) append(f *file, kind byte, content []byte) error {
	if len(content) > packed.MaxBlock {
		return fmt.Errorf("%s: the statistics of the trace do not fit into a shard", f.path)
	}
	out, err := os.OpenFile(f.temp, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	w.block = packed.AppendBlock(w.block[:0], kind, content)
	f.bytes += int64(len(w.block))
	f.sum = (f.sum ^ uint64(binary.LittleEndian.Uint32(w.block[5:]))) * 0x100000001B3
	return closed(out, w.block)
}

// finish writes the statistics, and renames the files.
func (w *writer) finish(of *engine.Whole, sum *Summary) error {
	whole, conns := of.Trace, of.Connections
	taps := func(int) json.RawMessage { return nil }
	if w.split.Taps != nil {
		taps, conns = w.split.Taps.Join(of, w.split.Taps.Route, w.shardOf)
	}
	numbers := make([][]stats.Number, len(w.files))
	for _, d := range conns {
		i := w.shardOf(d.Tuple)
		numbers[i] = append(numbers[i], d.Number)
	}
	related := w.related(of)
	var hosts *stats.Hosts
	if h := &whole.Counts.Hosts; w.split.Taps == nil && (h.Many || len(h.Seen) > 0) {
		hosts = h
	}
	var holes *stats.Holes
	if h := &whole.Counts.Holes; hosts != nil && (h.Many || len(h.List) > 0) {
		holes = h
	}
	var delays stats.Delays
	if w.split.Taps == nil {
		delays = whole.Counts.Delays
	}
	var scans *stats.Scans
	if w.split.Taps == nil && len(whole.Counts.Scans.Refusals) > 0 {
		scans = &whole.Counts.Scans
	}
	var ftp *stats.FTP
	if w.split.Taps == nil && (whole.Counts.FTP.Many || len(whole.Counts.FTP.Pairs) > 0) {
		ftp = &whole.Counts.FTP
	}
	shared := packed.AppendShared(nil, whole)
	id := sha256.New()
	id.Write(shared)
	for i := range w.files {
		f := &w.files[i]
		own := stats.Trace{Packets: f.segments, Segments: f.segments, Numbers: numbers[i]}
		if i == 0 {
			own.Packets += whole.Packets - whole.Segments
			own.Skipped = whole.Skipped
		}
		if err := w.flush(f); err != nil {
			return err
		}
		if r := (packed.Related{Openings: related[i], Hosts: hosts, Holes: holes, Delays: delays, Scans: scans, FTP: ftp, Taps: taps(i)}); r.Openings != nil || r.Hosts != nil || r.Holes != nil || r.Delays != nil || r.Scans != nil || r.FTP != nil || r.Taps != nil {
			content, err := packed.AppendJSON(nil, &r)
			if err == nil {
				err = w.append(f, packed.BlockRelated, content)
			}
			if err != nil {
				return err
			}
		}
		if err := w.append(f, packed.BlockStats, packed.AppendOwn(shared[:len(shared):len(shared)], &own)); err != nil {
			return err
		}
		binary.Write(id, binary.LittleEndian, f.sum)
		sum.Segments += f.segments
		sum.Bytes += f.bytes
	}
	return w.name([16]byte(id.Sum(nil)), whole.Start)
}

// name writes the final preludes, and renames the files.
func (w *writer) name(split [16]byte, start int64) error {
	for i := range w.files {
		prelude := packed.Prelude{Shard: uint32(i), Of: uint32(len(w.files)), Split: split, Start: start}
		if err := rewrite(w.files[i].temp, prelude.Append(nil)); err != nil {
			return err
		}
	}
	for i := range w.files {
		f := &w.files[i]
		if err := w.split.Guard.Rename(f.temp, f.path); err != nil {
			return err
		}
		f.temp = f.path
	}
	return nil
}

// rewrite replaces the beginning of a file, and sets the usual permissions.
func rewrite(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = io.NewOffsetWriter(f, 0).Write(b)
	return errors.Join(err, f.Chmod(0o644), f.Close())
}

// discard removes all files.
func (w *writer) discard() {
	for i := range w.files {
		if w.files[i].temp != "" {
			output.Discard(w.files[i].temp)
		}
	}
	if w.split.made {
		os.Remove(w.split.Dir)
	}
}
