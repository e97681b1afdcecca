package metamorphic

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/shard"
)

// A capture split by connection, the shards in any order.
func TestShards(t *testing.T) {
	forEach(t, 4, func(t *testing.T, c *conversation) {
		r := random(t)
		shards := shardsOf(t, plain.pcap(c.frames), 1+r.IntN(9))
		r.Shuffle(len(shards), func(i, j int) { shards[i], shards[j] = shards[j], shards[i] })
		c.plain.same(t, summarise(analyseFiles(t, shards...), nil))
	})
}

// shardsOf are the shards of a capture.
func shardsOf(t *testing.T, file []byte, n int) (shards [][]byte) {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	defer trace.Close()
	s := shard.Split{Dir: t.TempDir(), Shards: n}
	ctx := context.Background()
	if _, err := s.Run(ctx, trace.Infos(), engine.Frames(ctx, trace, &s.Engine)); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(s.Dir + "/shard-*")
	if err != nil || len(names) != n {
		t.Fatalf("there are %d shards of %d (%v)", len(names), n, err)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		shards = append(shards, content)
	}
	return shards
}

// asShard writes a file as a single shard.
func asShard(write func(*testing.T, []record) []byte) func(*testing.T, []record) []byte {
	return func(t *testing.T, rs []record) []byte { return shardsOf(t, write(t, rs), 1)[0] }
}
