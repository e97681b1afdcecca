package engine

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What shows that nobody captured in a pause of the whole trace. After a long one, minRunning connections within
// resumesWithin that were never seen before and are in the middle of their life: they began in it. One may be an old
// connection that was idle. In a shorter one, a SYN and the FIN of another connection, both sent within dueWithin before
// it, once and without an answer: the ACK of the one, the answer of the other and what both hosts had to send again would
// all be missing in it, one of which alone may be lost or a fault (RFC 6298 2.1: no timer is shorter). In any, two connections
// that go on after it, each with an acknowledgment of what was not captured, though all was before, with payload: it was sent in the pause. A
// capture may drop a frame of one.
const (
	minRunning    = 2
	minWentOn     = 2
	longPause     = 5 * int64(time.Minute)
	resumesWithin = int64(time.Minute)
	dueWithin     = int64(time.Second)
)

// A Witness is what a connection shows of a pause of the trace.
type Witness struct {
	Pause int // its index
	What  Witnessed
}

// Witnessed is what that is.
type Witnessed uint8

// What a connection may show.
const (
	WasRunning Witnessed = iota // it began in the pause
	SYNHangs                    // its SYN was sent just before
	FINHangs                    // its FIN was
	WentOn                      // it went on in it
	numWitnessed
)

// interrupted finds such pauses. See stats.Rhythm for another sign that the capture was interrupted. The silence
// of a trace is no silence of a connection: nothing is absent beyond such a gap.
func interrupted(trace *stats.Trace, parts []*partition) {
	if len(trace.Pauses) == 0 {
		return
	}
	var holes stats.Holes
	for _, p := range parts {
		holes.Add(&p.counts.Holes)
	}
	all := WentOnIn(nil, trace, &holes)
	for _, p := range parts {
		for _, f := range p.flows.All() {
			c := &f.Conn
			row := result.Flow{First: c.First(), Last: c.Last(), Limits: c.Limits()}
			for side := range reassembly.Side(2) {
				row.State[side], row.Since[side] = c.State(side, row.Last, 0)
				row.Packets[side], row.Rexmits[side] = c.Packets(side), c.Retransmissions(side)
			}
			all = Witnesses(all, trace, &row)
		}
	}
	Interrupted(trace, all)
}

// Witnesses adds what a connection shows of pauses.
func Witnesses(all []Witness, trace *stats.Trace, row *result.Flow) []Witness {
	if row.Limits&fsm.Midstream != 0 {
		for i := pauseFrom(trace, row.First); i >= 0 && row.First-trace.Pauses[i].To <= resumesWithin; i-- {
			if g := trace.Pauses[i]; g.To-g.From > longPause && g.To <= row.First {
				all = append(all, Witness{i, WasRunning})
				break
			}
		}
	}
	hangs, since := FINHangs, int64(0)
	for side, state := range row.State {
		switch {
		case row.Rexmits != [2]uint64{}:
		case state == fsm.SynSent && row.Packets == [2]uint64{1, 0}:
			hangs, since = SYNHangs, row.Last
		case state == fsm.FinWait1 || state == fsm.LastAck:
			since = max(since, row.Since[side])
		}
	}
	if i := pauseFrom(trace, since+dueWithin); i >= 0 && since <= trace.Pauses[i].From && row.Last <= trace.Pauses[i].From {
		all = append(all, Witness{i, hangs})
	}
	return all
}

// WentOnIn adds what acknowledgments of bytes that were not captured show.
func WentOnIn(all []Witness, trace *stats.Trace, holes *stats.Holes) []Witness {
	for _, x := range holes.List {
		if i := pauseFrom(trace, x.At); i >= 0 && x.At >= trace.Pauses[i].To && x.At-x.After <= trace.Pauses[i].From+int64(time.Microsecond) {
			all = append(all, Witness{i, WentOn})
		}
	}
	return all
}

// pauseFrom is the last pause that begins by that time, -1 if none does.
func pauseFrom(trace *stats.Trace, at int64) int {
	i, _ := slices.BinarySearchFunc(trace.Pauses, at+1, func(g stats.Gap, at int64) int { return cmp.Compare(g.From, at) })
	return i - 1
}

// Interrupted makes gaps of the pauses that enough connections witness.
func Interrupted(trace *stats.Trace, all []Witness) {
	seen := make([][numWitnessed]int, len(trace.Pauses))
	for _, w := range all {
		seen[w.Pause][w.What]++
	}
	for i := len(seen) - 1; i >= 0; i-- {
		if n := &seen[i]; n[WasRunning] >= minRunning || n[WentOn] >= minWentOn || n[SYNHangs] > 0 && n[FINHangs] > 0 {
			trace.Interrupted(i)
		}
	}
}

// interruptions note them for the whole trace: the first, and how many there are.
func interruptions(trace *stats.Trace) []result.Note {
	var first stats.Gap
	n := 0
	for _, g := range trace.Gaps {
		if g.To-g.From <= stats.QuietGap {
			if n++; n == 1 {
				first = g
			}
		}
	}
	if n == 0 {
		return nil
	}
	often := ""
	if n > 1 {
		often = fmt.Sprintf(" (and %s more)", detectors.Times(n-1))
	}
	return []result.Note{{Name: "interrupted", Message: fmt.Sprintf("The capture was interrupted%s: nothing was recorded for %s, from %s after its first frame on. Afterwards came connections that were already running, or went on with bytes that were not captured, or again what devices had sent at regular intervals before, or nothing of what several connections had to send; or each pause came after so many frames, as in a file made of pieces. "+
		"Nothing is reported as missing beyond that.", often, detectors.Span(first.To-first.From), detectors.Span(first.From-trace.First))}}
}
