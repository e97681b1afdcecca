package report

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A ladder is the telling frames of a finding between its two ends, the
// opener's on the left.
type ladder struct {
	Left, Right string
	Rungs       []rung
	States      bool // they are known for each frame
	Bounded     bool // some state is only an upper bound
}

// A rung is one frame: who sent what, what it shows, and where it left both
// ends. A rung with Omitted is those between two others instead.
type rung struct {
	Omitted     string
	Frame, Time string
	File        string // where it differs from the frame before
	ToRight     bool
	Direction   string
	Segment     string
	Role        string
	Left, Right rungState
}

// A rungState is one end's state after a frame.
type rungState struct {
	Name    string
	Changed bool
}

// ladder tells at most framesHead frames from the beginning and framesTail from
// the end, or one more where that saves saying so.
func (p *page) ladder(f *result.Finding, k *sketch) *ladder {
	left := opener(f.Flow)
	l := &ladder{Left: party(f, left), Right: party(f, left.Peer()), States: true}
	table := frameTable{r: p.r, o: p.o, flow: f.Flow}
	evidence := inTime(f.Evidence)
	cut := len(evidence) > framesHead+framesTail+1
	var before *moment
	for i := range evidence {
		e := &evidence[i]
		if cut && i >= framesHead && i < len(evidence)-framesTail {
			continue
		}
		now := k.moment(frameID{e.Seg.File, e.Seg.Frame})
		skipped := 0
		if cut && i == len(evidence)-framesTail {
			skipped = i - framesHead
		}
		if words := omitted(before, now, skipped); words != "" && i > 0 {
			l.Rungs = append(l.Rungs, rung{Omitted: words})
		}
		flags, rest := table.segment(&e.Seg)
		r := rung{
			Frame: thousands(uint64(e.Seg.Frame)), Time: table.offset(&e.Seg) + " s",
			ToRight: sender(f.Flow, &e.Seg) == left, Direction: direction(f.Flow, &e.Seg),
			Segment: flags + " " + rest, Role: Clean(e.Role),
		}
		if len(p.r.Captures) > 1 && (i == 0 || evidence[i-1].Seg.File != e.Seg.File) {
			r.File = Clean(p.o.file(p.r, &e.Seg))
		}
		l.states(p.o.Names, &r, before, now, left)
		l.Rungs = append(l.Rungs, r)
		before = now
	}
	return l
}

// states fills in where the frame left both ends.
func (l *ladder) states(n Names, r *rung, before, now *moment, left reassembly.Side) {
	if now == nil {
		l.States = false
		return
	}
	state := func(side reassembly.Side) rungState {
		s := rungState{Name: n.State(now.turn.State[side]), Changed: before != nil && before.turn.State[side] != now.turn.State[side]}
		if now.turn.Bounded[side] {
			s.Name += "~"
			l.Bounded = true
		}
		return s
	}
	r.Left, r.Right = state(left), state(left.Peer())
}

// omitted says how many frames of the connection lie between two telling ones,
// some of which may be telling too.
func omitted(before, now *moment, telling int) string {
	between := 0
	if before != nil && now != nil && now.nth > before.nth {
		between = int(now.nth - before.nth - 1)
	}
	switch {
	case telling > 0 && between > telling:
		return "… " + count(uint64(between), "frame") + " omitted, " + thousands(uint64(telling)) + " of them like these"
	case telling > 0:
		return "… " + count(uint64(telling), "frame") + " like these omitted"
	case between > 0:
		return "… " + count(uint64(between), "frame") + " omitted"
	}
	return ""
}
