// Package shard splits a trace by connection into files of packed headers, and
// reads these files as one trace again.
package shard

import (
	"context"
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
)

// A Split says how a trace is to be split.
type Split struct {
	Dir    string // made if it is not there
	Shards int
	Engine engine.Options        // what to leave out or change, and bounds
	Rename func([]stats.Capture) // changes what is told of the captures; may be nil
	Guard  *output.Guard         // knows the files that must not be overwritten

	ready, made bool // the directory; it was not there
}

// Prepare makes the directory, unless it is there. There must be no shards in
// it: nobody could tell them from the new ones.
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
			return fmt.Errorf("%s is there already: remove the shards in this directory, or name another", filepath.Join(s.Dir, e.Name()))
		}
	}
	s.ready = true
	return nil
}

// A Summary says what was written.
type Summary struct {
	Segments uint64
	Bytes    int64
}

// Run reads a source of the named captures to its end and writes all shards, or
// none: until they are whole they have other names. It prepares the directory,
// unless that is done.
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
	whole, numbered, err := engine.Split(ctx, src, s.Engine, w.take)
	if err == nil && len(whole.Cuts) > 0 {
		err = errors.New("shards that were cut short cannot be split again: the new ones could not say what is missing")
	}
	if err != nil {
		return sum, err
	}
	if s.Rename != nil {
		s.Rename(whole.Captures)
	}
	return sum, w.finish(whole, numbered, &sum)
}

// names are those of the captures.
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

// name is that of a shard: shard-017.
func name(shard, of int) string {
	return fmt.Sprintf("%s%0*d", prefix, max(3, len(fmt.Sprint(of-1))), shard)
}
