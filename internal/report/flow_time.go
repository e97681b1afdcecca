package report

import (
	"cmp"
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/waits"
)

// time is where the time of the connection went: the waits, what limited it, and the
// longest stretches with their frames.
func (p *flowPage) time() {
	t := p.f.Time
	if t == nil || t.Waits.Sum() == 0 {
		return
	}
	p.line(p.strong("Where the time went"))
	p.table("  ", p.waitRows(), false, true, true)
	p.line("")
	for _, x := range p.explained() {
		p.label(x.Word, x.Text)
	}
	p.line("")
	p.line(p.strong("Longest waits"))
	p.table("  ", p.longestRows(), false, true, true, true)
	p.line("")
}

// waitRows are the waits, the longest first.
func (p *flowPage) waitRows() (rows [][]string) {
	t := p.f.Time
	total := t.Waits.Sum()
	for w, ns := range t.Waits {
		if ns > 0 {
			rows = append(rows, []string{detectors.Wait(w).String(), quantity.Duration(ns), cmp.Or(part(ns, total), "<1 %"), waitMeaning[w]})
		}
	}
	sorting.Stable(rows, func(a, b []string) int { return cmp.Compare(p.waitOf(b[0]), p.waitOf(a[0])) })
	return rows
}

// explained says in sentences what limited the connection.
func (p *flowPage) explained() (list []term) {
	t := p.f.Time
	if t.Unknown != waits.NoReason {
		list = append(list, term{"Unknown", t.Unknown.String()})
	}
	list = append(list, term{"Mainly", result.WholeNumbers(explain(p.f), p.r.Near(t))})
	for i := range t.Transfers {
		x := &t.Transfers[i]
		names := p.shortNames()
		from, to := names[0], names[1]
		if x.From != p.sides[0] {
			from, to = to, from
		}
		if i < maxSentences {
			list = append(list, term{"Transfer", upper(x.Explain("the "+from, "the "+to)) + fmt.Sprintf(" Frames %d to %d.", result.Whole(x.First.Frame, p.r.Near(t)), result.Whole(x.Last.Frame, p.r.Near(t)))})
		}
	}
	return list
}

// longestRows are the longest waits with their frames, below their titles.
func (p *flowPage) longestRows() [][]string {
	t := p.f.Time
	rows := [][]string{{"WAIT", "FROM", "TO", "FOR", "FRAMES"}}
	for i := range t.Longest {
		x := &t.Longest[i]
		rows = append(rows, []string{
			x.Wait.String(), quantity.Seconds(x.Start - p.r.Trace.First), quantity.Seconds(x.End - p.r.Trace.First), quantity.Duration(x.End - x.Start),
			fmt.Sprintf("%d to %d", result.Whole(x.Frame[0], p.r.Near(t)), result.Whole(x.Frame[1], p.r.Near(t))),
		})
	}
	return rows
}

// maxSentences is how many transfers are explained.
const maxSentences = 3

// waitOf is how long the wait of that name took.
func (p *flowPage) waitOf(name string) int64 {
	for w, ns := range p.f.Time.Waits {
		if detectors.Wait(w).String() == name {
			return ns
		}
	}
	return 0
}

// stripShare is which part of the connection a wait must take to be named in the timeline.
const stripShare = 100

// strip says what was waited for before a step, if that took a hundredth of the
// connection's time: the stretches that ended with its frame.
func (p *flowPage) strip() map[result.FrameID]string {
	words := map[result.FrameID]string{}
	t := p.f.Time
	if t == nil || p.f.Strip == nil {
		return words
	}
	least := t.Waits.Sum() / stripShare
	for i := range p.f.Strip.Stretches {
		x := &p.f.Strip.Stretches[i]
		if n := x.End - x.Start; n >= least && n > 0 {
			id := result.FrameID{File: x.File[1], Frame: x.Frame[1]}
			words[id] += "; after " + quantity.Duration(n) + " " + x.Wait.String()
		}
	}
	return words
}
