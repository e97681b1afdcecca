package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The bounds of a paste. The notation itself holds 2^18 frames, hosts and wants.
const (
	pasteConns    = 20
	pasteSegments = 1<<18 - 1<<12
	pasteFillers  = 1 << 10
	// Of a connection that takes over the four-tuple of another, its opening is
	// enough to end that one.
	pasteHeir = 3
)

// paste collects the segments of the connections that --format scenario prints.
type paste struct {
	wanted map[uint64]bool // by Flow.Conn; nil wants the first that turns up
	conns  []*pasted
	byConn map[uint64]*pasted
	latest map[reassembly.Key]*pasted
	room   int
	cut    bool
}

// pasted is one connection of a paste, as much of it as there was room for.
type pasted struct {
	conn  uint64
	heir  bool
	turns []result.Turn
}

func newPaste(wanted map[uint64]bool) *paste {
	return &paste{wanted: wanted, byConn: map[uint64]*pasted{}, latest: map[reassembly.Key]*pasted{}, room: pasteSegments}
}

func (p *paste) add(t result.Turn) {
	c, known := p.byConn[t.Conn]
	if !known {
		c = p.begin(&t)
		p.byConn[t.Conn] = c
	}
	switch {
	case c == nil || c.heir && len(c.turns) == pasteHeir:
	case p.room == 0:
		p.cut = true
	default:
		p.room--
		c.turns = append(c.turns, t)
	}
}

// begin takes up a connection: one that is wanted, or the heir of one. Only a
// SYN makes an heir: other things run side by side.
func (p *paste) begin(t *result.Turn) *pasted {
	key, _ := reassembly.KeyOf(&t.Seg)
	before := p.latest[key]
	c := &pasted{conn: t.Conn, heir: !p.wanted[t.Conn]}
	if p.wanted == nil {
		c.heir = len(p.conns) > 0
	}
	if c.heir && (before == nil || before.heir || t.Seg.Flags&(reassembly.SYN|reassembly.ACK) != reassembly.SYN) {
		return nil
	}
	p.latest[key] = c
	p.conns = append(p.conns, c)
	return c
}

// writeScenario writes the connections with findings, or the one of --flow, as
// scenario text that brings the same findings.
func (c *command) writeScenario(ctx context.Context, w io.Writer, r *result.Report, o *engine.Options) error {
	p, rows := c.paste, c.rows
	if c.flags.flow == "" {
		wanted := c.worthPasting(r)
		if len(wanted) == 0 {
			return nil
		}
		p = newPaste(wanted)
		again, err := c.again(ctx, *o, &engine.Follow{Conns: wanted, Successors: true, Turn: p.add})
		if err != nil {
			return fmt.Errorf("--format scenario reads the captures twice: %w; name the connection with --flow", err)
		}
		rows = again.Flows
	}
	if p.cut {
		c.warn(fmt.Sprintf("only the first %d segments are printed: what was found may rest on later ones", pasteSegments))
	}
	text := p.text(r, rows)
	c.compare(ctx, text, o)
	_, err := w.Write(text)
	return err
}

// worthPasting are the connections with findings, by Flow.Conn: as many as
// there is room for, those first whose findings are certain.
func (c *command) worthPasting(r *result.Report) map[uint64]bool {
	wanted, left, room := map[uint64]bool{}, map[uint64]bool{}, uint64(pasteSegments)
	for _, verdict := range [...]detectors.Verdict{detectors.Seen, detectors.Undecided} {
		for i := range r.Findings {
			f := r.Findings[i].Flow
			size := f.Packets[0] + f.Packets[1] + pasteHeir
			switch {
			case r.Findings[i].Verdict != verdict || wanted[f.Conn]:
			case len(wanted) == pasteConns || size > room:
				left[f.Conn] = true
			default:
				wanted[f.Conn] = true
				room -= size
				if f.Former.Conn != 0 { // what was found may rest on it
					wanted[f.Former.Conn] = true
				}
			}
		}
	}
	switch {
	case len(left) > 0:
		c.warn(fmt.Sprintf("of the connections with findings, %d are printed and %d left out (%d connections and %d segments are the most); --flow ID prints any",
			len(wanted), len(left), pasteConns, pasteSegments))
	case len(wanted) == 0:
		c.warn("no connection has a finding, so that there is none to print; --flow ID prints any")
	}
	return wanted
}

// text is the paste: the connections with their states, and what was found.
func (p *paste) text(r *result.Report, rows []result.Flow) []byte {
	byConn := map[uint64]*result.Flow{}
	for i := range rows {
		byConn[rows[i].Conn] = &rows[i]
	}
	conns := make([]scenario.Conn, len(p.conns))
	for i, c := range p.conns {
		f := byConn[c.conn]
		conns[i] = scenario.Conn{Ends: f.End, ISN: f.ISS}
		for j := range c.turns {
			conns[i].Segs = append(conns[i].Segs, c.turns[j].Seg)
		}
	}
	end := r.Trace.End
	if p.cut {
		end = 0
	}
	t := scenario.New(conns, end)
	keepGaps(t, r.Gaps)
	lines := p.number(t)
	p.wants(t, r, lines)
	file := scenario.File{
		Story: "Printed by tcptrace --format scenario. IP addresses are replaced; times, ports,\n" +
			"sequence numbers and IP identifications are as captured.",
		Traces: []*scenario.Trace{t},
	}
	return file.Append(nil)
}

// keepGaps puts frames that are no TCP where the rest of the capture went on
// while these connections were silent: an hour without any frame would end the
// trace for what is absent.
func keepGaps(t *scenario.Trace, gaps []result.Span) {
	const quiet = int64(time.Hour)
	var lines []scenario.Line
	left := pasteFillers
	other := func(at int64) {
		if left > 0 {
			left--
			lines = append(lines, scenario.Line{Captured: true, Other: true, Seg: reassembly.Segment{At: at}})
		}
	}
	last := t.Start
	for _, l := range t.Lines {
		to := l.Seg.At
		for _, g := range gaps {
			if g.First < last || g.Last > to {
				continue
			}
			for ; g.First-last > quiet; last += quiet {
				other(last + quiet)
			}
			if g.First > last {
				other(g.First)
			}
			if last = g.Last; last < to || l.End {
				other(last)
			}
		}
		for ; to-last > quiet && !l.End; last += quiet {
			other(last + quiet)
		}
		lines = append(lines, l)
		last = max(last, to)
	}
	t.Lines = lines
}

// number numbers the frames of the trace, puts the states on the lines where
// they change, and returns each captured frame's line.
func (p *paste) number(t *scenario.Trace) map[frame]int {
	lines := map[frame]int{}
	next := make([]int, len(p.conns))
	was := make([]result.Turn, len(p.conns))
	first := map[reassembly.Key][2]reassembly.Endpoint{}
	n := uint32(0)
	for i := range t.Lines {
		l := &t.Lines[i]
		if l.End {
			continue
		}
		n++
		l.Seg.Frame = n
		if l.Other {
			continue
		}
		conn := l.From / 2
		turn := &p.conns[conn].turns[next[conn]]
		lines[frameOf(&turn.Seg)] = i
		key, _ := reassembly.KeyOf(&l.Seg)
		if _, known := first[key]; !known {
			first[key] = [2]reassembly.Endpoint{l.Seg.Src, l.Seg.Dst}
		}
		if before := &was[conn]; next[conn] == 0 || before.State != turn.State || before.Bounded != turn.Bounded {
			assertStates(l, turn, first[key])
		}
		was[conn] = *turn
		next[conn]++
	}
	return lines
}

// assertStates puts the states of the turn on its line, in the order of ends.
func assertStates(l *scenario.Line, t *result.Turn, ends [2]reassembly.Endpoint) {
	l.HasStates, l.StateEnds = true, ends
	for i, end := range ends {
		side := t.Side
		if end != l.Seg.Src {
			side = side.Peer()
		}
		l.States[i], l.Bounded[i] = t.State[side].String(), t.Bounded[side]
	}
}

// wants puts what was found on the lines of the anchors.
func (p *paste) wants(t *scenario.Trace, r *result.Report, lines map[frame]int) {
	for i := range r.Findings {
		f := &r.Findings[i]
		anchor, pasted := lines[frameOf(&f.Evidence[0].Seg)]
		if !pasted {
			continue
		}
		want := scenario.Want{Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided}
		for j := range f.Evidence {
			line, is := lines[frameOf(&f.Evidence[j].Seg)]
			if !is { // beyond the cut
				want.Frames = nil
				break
			}
			want.Frames = append(want.Frames, t.Lines[line].Seg.Frame)
		}
		t.Lines[anchor].Wants = append(t.Lines[anchor].Wants, want)
	}
}

// compare reads the paste as anybody will, and warns if it says something else
// than the capture: what other connections, or the capturing system, told of
// the capture is not in it.
func (c *command) compare(ctx context.Context, text []byte, o *engine.Options) {
	const name = "paste"
	file, err := scenario.Parse(name, text)
	if err != nil {
		c.complain(fmt.Errorf("the scenario cannot be read back: %w", err))
		return
	}
	packets, err := file.Traces[0].Pcapng()
	if err != nil {
		c.complain(fmt.Errorf("the scenario makes no capture: %w", err))
		return
	}
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(packets)})
	defer trace.Close()
	if err := errors.Join(errs...); err != nil {
		c.complain(err)
		return
	}
	r := engine.Run(ctx, trace, engine.Options{Detectors: o.Detectors, Settings: o.Settings, Workers: 1})
	for _, fault := range file.Traces[0].Check(foundIn(r)) {
		c.warn("the scenario says something else than the capture: " + fault)
	}
}

// foundIn are the findings in plain words.
func foundIn(r *result.Report) []scenario.Found {
	var found []scenario.Found
	for i := range r.Findings {
		f := &r.Findings[i]
		x := scenario.Found{Detector: f.Detector, Outcome: f.Outcome, Undecided: f.Verdict == detectors.Undecided, Message: f.Message}
		for j := range f.Evidence {
			x.Frames = append(x.Frames, f.Evidence[j].Seg.Frame)
		}
		found = append(found, x)
	}
	return found
}
