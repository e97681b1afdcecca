// Package shard splits a trace by connection into files of packed headers, and
// reads these files as one trace again.
package shard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/packed"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Split describes how to split a trace.
type Split struct {
	Dir    string // created if it does not exist
	Shards int
	Engine engine.Options        // MaxFlows, Until, Rewrite and Workers count
	Rename func([]stats.Capture) // changes the description of the captures; may be nil
	Guard  *output.Guard         // knows the files that must not be overwritten
	Taps   *Taps                 // of several capture points; nil for one

	ready bool // Prepare was called
	made  bool // the directory did not exist
}

// Taps are what a split of several capture points is told of them.
type Taps struct {
	// Route is the hash of the four-tuple by which a segment is assigned to a shard: the
	// same for all four-tuples that one connection may have at different points.
	Route func(*reassembly.Segment) uint64
	// Plan is what is known of the points before the captures are split.
	Plan json.RawMessage
	// Join says what the points have in common, for each shard, and numbers the connections.
	Join func(w *engine.Whole, route func(*reassembly.Segment) uint64, shardOf func(tuple uint64) int) (of func(shard int) json.RawMessage, conns []engine.Numbered)
}

// Prepare creates the directory if needed. There must be no shards in it, which
// could not be distinguished from the new ones.
func (s *Split) Prepare() error {
	if s.Shards < 1 || s.Shards > packed.MaxShards {
		return fmt.Errorf("%d shards: between 1 and %d can be written", s.Shards, packed.MaxShards)
	}
	entries, err := os.ReadDir(s.Dir)
	if errors.Is(err, os.ErrNotExist) {
		s.made = true
		err = os.MkdirAll(s.Dir, 0o777)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			return fmt.Errorf("%s exists already: remove the shards in this directory, or use another one", filepath.Join(s.Dir, e.Name()))
		}
	}
	s.ready = true
	return nil
}

// A Summary is what was written.
type Summary struct {
	Segments uint64
	Bytes    int64
}

// Run reads a source of these captures to its end and writes all shards, or none:
// it renames them when all are complete. It calls Prepare if that was not done.
func (s *Split) Run(ctx context.Context, captures []capture.Info, src engine.Source) (sum Summary, err error) {
	if !s.ready {
		if err := s.Prepare(); err != nil {
			return sum, err
		}
	}
	w := &writer{split: s, files: make([]file, s.Shards)}
	w.chunk = min(packed.MaxChunk, memory/s.Shards)
	defer func() {
		if err != nil {
			w.discard()
		}
	}()
	if err := w.begin(s.names(captures)); err != nil {
		return sum, err
	}
	whole, err := s.read(ctx, src, w)
	if err == nil && len(whole.Trace.Cuts) > 0 {
		err = errors.New("shards that were cut short cannot be split again: the new ones could not say what is missing")
	}
	if err != nil {
		return sum, err
	}
	if s.Rename != nil {
		s.Rename(whole.Trace.Captures)
	}
	return sum, w.finish(whole, &sum)
}

// read hands all segments of the source to the writer.
func (s *Split) read(ctx context.Context, src engine.Source, w *writer) (*engine.Whole, error) {
	if s.Taps == nil {
		return engine.Split(ctx, src, s.Engine, w.add)
	}
	return engine.SplitPoints(ctx, src, s.Engine, w.add)
}

// names returns the names of the captures.
func (s *Split) names(captures []capture.Info) []string {
	all := make([]stats.Capture, len(captures))
	for i := range all {
		all[i].File = captures[i].File
	}
	if s.Rename != nil {
		s.Rename(all)
	}
	names := make([]string, len(all))
	for i := range names {
		names[i] = all[i].File
	}
	return names
}

const prefix = "shard-"

// name is the name of a shard: shard-017.
func name(shard, of int) string {
	return fmt.Sprintf("%s%0*d", prefix, max(3, len(fmt.Sprint(of-1))), shard)
}
