package engine

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// bystanders has other connections of the four-tuple know of a segment that concerns
// them as well: older ones that another begins, all if a side continues in one although it
// has begun another, and the latest that waits for an answer to its SYN what was said on an
// older one, a challenge ACK or the RST that this drew.
func (p *partition) bystanders(m *flow.Match, seg *reassembly.Segment, position uint64, hash uint32, ev *fsm.Events) {
	begins, opens := m.ID == flow.New && seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN, ev.Kinds.Has(fsm.Opened)
	resumes := ev.Kinds.Has(fsm.Resumed)
	answers := ev.Class == fsm.ChallengeAck || ev.Kinds.Has(fsm.ResetSent)
	if !begins && !opens && !answers && !resumes {
		return
	}
	if m.ID != flow.New {
		position = p.flows.At(m.ID).Position
	}
	_, fromLo := reassembly.KeyOf(seg)
	others := p.flows.Others(m.ID, hash)
	waiting, waited := p.waiting(others), false
	for _, id := range others {
		o := p.flows.At(id)
		by := fsm.Bystander{
			Seg: seg, Side: o.Conn.SideOf(fromLo), Conn: &p.flows.At(m.ID).Conn, From: m.Side,
			Begins: begins, TimeWait: p.options.Settings.TimeWait,
		}
		switch {
		case begins:
			again := p.flows.Replace(id, seg.At)
			if !waited && o.Conn.AwaitsAnswer(by.Side) { // the first that asks still does
				waited, by.Waits = true, !again
			}
		case answers:
			if by.Waits = id == waiting; !by.Waits && !ev.Kinds.Has(fsm.ResetSent) {
				continue
			}
		case o.Position > position && !resumes:
			continue
		}
		o.Account = p.waits.Settle(o.Account)
		if o.Conn.Bystand(&by, ev, &p.aside) {
			if p.predecessors == nil {
				p.predecessors = map[uint64]result.Predecessor{}
			}
			p.predecessors[position] = result.Predecessor{Conn: o.Position, First: o.Conn.First(), Frames: o.Frames()}
		}
		p.deliverAside(id, o, seg.At)
	}
}

// waiting is the latest of the connections whose SYN is unanswered; New if there is
// none.
func (p *partition) waiting(ids []flow.ID) flow.ID {
	for _, id := range slices.Backward(ids) {
		c := &p.flows.At(id).Conn
		if opener, _ := c.Opener(); c.AwaitsAnswer(opener) {
			return id
		}
	}
	return flow.New
}

// deliverAside gives p.aside to the watchers of the connection that it is about.
func (p *partition) deliverAside(id flow.ID, f *flow.Flow, at int64) {
	if p.aside.Kinds == 0 || p.aside.Kinds&p.starts == 0 && f.Watchers == 0 {
		return
	}
	if f.Watchers != 0 {
		f.Watchers = p.watch.Expire(f.Watchers, at, f.Conn.View())
	}
	f.Watchers = p.watch.Deliver(f.Watchers, uint32(id), f.Conn.View(), &p.aside)
}
