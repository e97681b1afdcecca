package shard_test

import (
	"context"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// late is a source whose captures had passed frame 2^32 before the first segment.
type late struct{ engine.Source }

func (s late) Stats() *stats.Trace {
	t := s.Source.Stats()
	for i := range t.Captures {
		t.Captures[i].Turns = stats.Turns{1, 2}
	}
	return t
}

// Frame numbers beyond 2^32 are whole in shards, and in shards of shards.
func TestSplit_longNumbers(t *testing.T) {
	trace, ctx := open(t, "../../samples/unretransmitted-fin.txtar"), context.Background()
	s := shard.Split{Shards: 2, Dir: filepath.Join(t.TempDir(), "shards")}
	if _, err := s.Run(ctx, trace.Infos(), late{source.Segments(ctx, trace, &s.Engine)}); err != nil {
		t.Fatal(err)
	}
	once, _ := filepath.Glob(filepath.Join(s.Dir, "*"))
	whole, low := regexp.MustCompile(`"frame": 42949673\d\d\b`), regexp.MustCompile(`"frame": \d{1,9}\b|frame \d{1,9}\b`)
	for i, shards := range [][]string{once, split(t, shard.Split{Shards: 3}, once...)} {
		got := reportOf(t, shards...)
		if !whole.Match(got) || low.Match(got) {
			t.Errorf("split %d times, it reports %q, want frames beyond 4294967296:\n%s", i+1, low.Find(got), got)
		}
	}
}
