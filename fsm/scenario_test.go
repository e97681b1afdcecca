package fsm_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

const timeWait = time.Minute

// traces are the scenarios of this directory and the samples.
func traces(t testing.TB) map[string]*scenario.Trace {
	t.Helper()
	all := map[string]*scenario.Trace{}
	for _, pattern := range []string{"testdata/*.txtar", "../samples/*.txtar"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			for i, tr := range f.Traces {
				all[filepath.Base(name)+"/"+strconv.Itoa(i+1)] = tr
			}
		}
	}
	if len(all) == 0 {
		t.Fatal("no scenarios")
	}
	return all
}

// A follower tracks the connections of a trace in the simplest way that does.
type follower struct {
	conns map[reassembly.Key]*fsm.Conn
	ev    fsm.Events
}

func (f *follower) step(seg *reassembly.Segment) *fsm.Conn {
	key, fromLo := reassembly.KeyOf(seg)
	c := f.conns[key]
	if c == nil || seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN && !c.Expects(seg, c.SideOf(fromLo)) {
		c = new(fsm.Conn)
		c.Begin(seg)
		f.conns[key] = c
	}
	c.Step(seg, c.SideOf(fromLo), nil, &f.ev)
	return c
}

// statesOf reads both ends' states for CheckStates.
func statesOf(c *fsm.Conn, at int64) func(reassembly.Endpoint) (string, bool) {
	return func(end reassembly.Endpoint) (string, bool) {
		side := reassembly.A
		if c.Endpoint(side) != end {
			side = reassembly.B
		}
		s, _ := c.State(side, at, timeWait)
		return s.String(), c.Bounded(side)
	}
}

// After each line both ends are in the states that it asserts.
func TestConn_scenarios(t *testing.T) {
	for name, tr := range traces(t) {
		t.Run(name, func(t *testing.T) {
			f := follower{conns: map[reassembly.Key]*fsm.Conn{}}
			var c *fsm.Conn
			for i := range tr.Lines {
				l := &tr.Lines[i]
				switch {
				case l.End:
					c.End(&f.ev)
				case l.Captured && !l.Other && !isCopy(tr, i):
					c = f.step(&l.Seg)
				}
				for _, fault := range tr.CheckStates(l, statesOf(c, l.Seg.At)) {
					t.Error(fault)
				}
			}
		})
	}
}

// isCopy says whether the segment is the one before it, captured once more.
func isCopy(tr *scenario.Trace, i int) bool {
	if i == 0 {
		return false
	}
	a, b := tr.Lines[i].Seg, tr.Lines[i-1].Seg
	return a.IPID != 0 && a.IPID == b.IPID && a.Src == b.Src && a.Seq == b.Seq && a.Ack == b.Ack && a.Flags == b.Flags
}
