package engine

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/loss"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// Of a connection that closed in order after a few segments were sent again, nobody remembers these. Where there are enough for a
// finding, where it stalled, or where it was reset, they are kept.
func TestLeave(t *testing.T) {
	for name, tt := range map[string]struct {
		resends int
		silence string // before each is sent again
		reset   bool
		stay    int // of two
	}{
		"few":                    {resends: 4, silence: "+.3"},
		"enough to be overtaken": {resends: 5, silence: "+.3", stay: 1},
		"few to be lost":         {resends: 9, silence: "+.3", stay: 1},
		"enough to be lost":      {resends: 10, silence: "+.3", stay: 2},
		"a stall":                {resends: 1, silence: "+3", stay: 1},
		"reset":                  {resends: 4, silence: "+.3", reset: true, stay: 2},
	} {
		var b strings.Builder
		b.WriteString("0 client > server S 0:0(0) win 8000 <mss 1460,sackOK>\n+.01 server > client S. 0:0(0) ack 1 win 8000 <mss 1460,sackOK>\n+.01 client > server . 1:1(0) ack 1 win 8000\n")
		seq := 1
		for range tt.resends { // the first of two segments is lost
			first := fmt.Sprintf("client > server . %d:%d(100) ack 1 win 8000\n", seq, seq+100)
			fmt.Fprintf(&b, "+.01 %s+.01 client > server P. %d:%d(100) ack 1 win 8000\n", first, seq+100, seq+200)
			fmt.Fprintf(&b, "+.01 server > client . 1:1(0) ack %d win 8000 <sack %d:%d>\n", seq, seq+100, seq+200)
			seq += 200
			fmt.Fprintf(&b, "%s %s+.01 server > client . 1:1(0) ack %d win 8000\n", tt.silence, first, seq)
		}
		if tt.reset {
			fmt.Fprintf(&b, "+.01 client > server R. %d:%[1]d(0) ack 1 win 8000\n", seq)
		} else {
			fmt.Fprintf(&b, "+.01 client > server F. %d:%[1]d(0) ack 1 win 8000\n+.01 server > client F. 1:1(0) ack %d win 8000\n+.01 client > server . %[2]d:%[2]d(0) ack 2 win 8000\n", seq, seq+1)
		}
		file, err := scenario.Pcapng([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		trace, _ := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
		o := &Options{Detectors: []*detectors.Detector{loss.Retransmissions, loss.Reordering}, Workers: 1, compact: compactAtOnce}
		o.defaults()
		pool := newPool(o)
		read(context.Background(), Frames(context.Background(), trace, o), o, pool, nil)
		stay := 0
		for _, p := range pool.partitions() {
			for _, f := range p.flows.Uncompacted {
				stay += p.watch.Running(f.Watchers)
			}
		}
		if stay != tt.stay {
			t.Errorf("%s: %d watchers stay, want %d", name, stay, tt.stay)
		}
		trace.Close()
	}
}
