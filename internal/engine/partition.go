package engine

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/internal/watch"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A partition is a fixed share of the connections, with bounds of its own.
type partition struct {
	options *Options
	now     int64 // latest segment
	waits   *waits.Ledger
	starts  fsm.Kinds // what starts a watcher
	read    fsm.Kinds // of which somebody reads the entries, whatever the connection
	flows   flow.Table
	watch   watch.Set

	traceEnd int64 // once it is known
	accounts bool  // detectors want to know where the time went

	predecessors map[uint64]result.Predecessor // of connections that took ports early, by position
	aside        fsm.Events                    // what a segment brought to light of another connection than its own
	ended        []watch.Found                 // of the connection that ends
	time         *waits.Record                 // of the same, if the report has it
	accounted    uint64                        // its position

	counts  stats.Counts // of connections that have ended, or are compacted
	rexmits uint64       // of those that are compacted
	dropped uint64       // connections evicted
	crowded uint64       // of these, by others of their four-tuple
	left    uint64       // connections that left after their time, live
	kept    []evicted    // of both, those with findings
}

// partitions is how many parts the connections are divided into, whatever the number
// of workers.
const partitions = 64

// partitionOf is the part of the connection with this Tuple hash: the same for both
// directions, the same in every run.
func partitionOf(tuple uint64) uint8 { return uint8(tuple >> 58) }

func newPartition(o *Options, seed flow.Seed) *partition {
	p := &partition{options: o, flows: flow.NewTable(o.MaxFlows/partitions, seed), watch: watch.NewSet(o.Detectors, o.Settings), waits: waits.NewLedger(o.Time)}
	if o.live != nil {
		p.watch.Withdraw = o.live.withdraw
	}
	if o.live == nil && !o.apart && o.Follow == nil && o.compact != compactNever {
		p.flows.Compactor = p
		if o.compact == compactLater {
			p.flows.CompactAfter, p.flows.CompactAccountsFrom = flow.CompactAfter, flow.CompactAccountsFrom
		}
	}
	p.starts = p.watch.Starts()
	if p.read = p.starts; o.longWay || o.Follow != nil {
		p.read = ^fsm.Kinds(0)
	}
	p.accounts = p.starts&fsm.On(fsm.Answered, fsm.Transferred) != 0
	p.waits.Exchange, p.waits.Transfer = p.exchange, p.transfer
	p.waits.Eager, p.watch.Eager = o.longWay, o.longWay
	if o.Follow != nil && o.Follow.Stretch != nil {
		p.waits.FollowStretches(p.stretch)
	}
	return p
}

// reset makes a partition as new, but for memory that it keeps.
func (p *partition) reset() {
	p.flows.Reset()
	p.watch.Reset()
	p.waits.Reset()
	*p = partition{options: p.options, flows: p.flows, watch: p.watch, waits: p.waits, starts: p.starts, read: p.read, accounts: p.accounts}
}

// process is the way of one segment: the clock, the connection it belongs to, what it
// proves there, who wants to know, and what becomes of the connection. It returns the
// connection's ID.
//
// The clock is that of half-closed connections, and of the segment's own. Deadlines of
// others wait until something is known of them: between two segments there may be a
// gap in which nobody captured, and another connection may have taken the four-tuple.
func (p *partition) process(seg *reassembly.Segment, position uint64, h *flow.Hashes, ev *fsm.Events) flow.ID {
	p.now = max(p.now, seg.At)
	if p.watch.Timers.Due(p.now) { // before all else: the segment may be another connection's, or a duplicate
		p.halfClosed(p.now)
	}
	if seg.IsQuote() {
		return p.quoted(seg, h.Hash, h.Print, ev)
	}
	f, m := p.flows.Guess(seg, h.Hash)
	if f == nil {
		return p.unexpected(seg, position, h, f, m, ev)
	}
	kinds := f.Conn.Predicts(seg, m.Side)
	if kinds == 0 || kinds&p.read != 0 || f.Watchers != 0 && !p.watch.Deaf(f.Watchers, kinds, m.Side, seg.At) {
		return p.unexpected(seg, position, h, f, m, ev)
	}
	if f.Conn.IsOversize(seg, m.Side) || !p.flows.IsFirst(f, seg, h.Print) {
		if marks := p.flows.Predicted(f, m, seg, h.Print); marks != 0 {
			if marks.Has(flow.Duplicate) {
				return m.ID
			}
			f.Conn.MayBeDuplicates()
		}
	}
	f.Conn.StepPredicted(seg, m.Side, kinds, ev)
	switch a := p.waits.Expects(f.Account); {
	case a == nil:
	case seg.Len > 0:
		a.Payload(seg, m.Side, ev, &f.Conn, p.waits.Told())
		return m.ID
	default:
		a.Ack(seg, m.Side, ev, &f.Conn, p.waits.Told())
		return m.ID
	}
	if f.Account != 0 || seg.Len > 0 && p.openAccount(m.ID, f) {
		f.Account = p.waits.Process(f.Account, uint32(m.ID), seg, m.Side, ev, &f.Conn)
	}
	return m.ID
}

// unexpected is the way of a segment that its connection did not expect, or of which somebody
// hears, and of any that may be of several.
func (p *partition) unexpected(seg *reassembly.Segment, position uint64, h *flow.Hashes, f *flow.Flow, m flow.Match, ev *fsm.Events) flow.ID {
	f, m = p.flows.Find(seg, h, f, m)
	if m.Marks.Has(flow.Duplicate) {
		if m.ID == flow.New {
			m.ID, f = p.add(position, h.Hash)
		}
		f.Conn.Copied(m.Side)
		return m.ID
	}
	if m.Marks.Has(flow.Alike) {
		f.Conn.MayBeDuplicates()
	}
	if before := f.Conn.From(seg.File); before != seg.File && m.ID != flow.New && p.options.unobserved(before, seg.File) {
		f.Account = p.waits.Settle(f.Account)
		f.Conn.Unobserved(seg.At)
	}
	if f.Watchers != 0 {
		f.Watchers = p.watch.Expire(f.Watchers, seg.At, f.Conn.View())
	}
	f.Conn.Step(seg, m.Side, &p.flows.Gaps, ev)
	if m.Marks.Has(flow.Shared) {
		f.Account = p.waits.Settle(f.Account)
		p.bystanders(&m, seg, position, h.Hash, ev)
	}
	if m.ID == flow.New {
		m.ID, f = p.add(position, h.Hash)
		if refusesUnseen(seg) {
			p.counts.Scans.Refuse(seg.Dst, seg.Src)
		}
	}
	if ev.Kinds&(1<<fsm.HoleAcked|1<<fsm.AnsweredLate|1<<fsm.ResendAcked) != 0 { // seldom
		p.note(f, seg, ev)
	}
	if ev.Kinds&p.starts != 0 || f.Watchers != 0 {
		f.Watchers = p.watch.Deliver(f.Watchers, uint32(m.ID), f.Conn.View(), ev)
	}
	if f.Account != 0 || seg.Len > 0 && p.openAccount(m.ID, f) {
		f.Account = p.waits.Process(f.Account, uint32(m.ID), seg, m.Side, ev, &f.Conn)
	}
	if ev.Ends() {
		if f.Conn.Over() {
			p.overAccount(f, seg.At)
		}
		p.halfClosing(m.ID, f)
		p.flows.Note(m.ID, f)
	}
	if p.options.Follow != nil {
		p.options.Follow.note(f, seg, m.Side, ev, p.options.Settings.TimeWait)
	}
	return m.ID
}

// quoted is the way of a segment that an ICMP error quotes: it changes nothing about its
// connection, and concerns those who subscribe to such errors. It returns New if the
// segment is none of a connection's.
func (p *partition) quoted(seg *reassembly.Segment, hash uint32, print uint64, ev *fsm.Events) flow.ID {
	id, side := p.flows.Quoted(seg, hash, print)
	if id == flow.New {
		return id
	}
	f := p.flows.At(id)
	if f.Watchers != 0 {
		f.Watchers = p.watch.Expire(f.Watchers, seg.At, f.Conn.View())
	}
	f.Account = p.waits.Settle(f.Account)
	f.Conn.Quote(seg, side, ev)
	if ev.Kinds&p.starts != 0 || f.Watchers != 0 {
		f.Watchers = p.watch.Deliver(f.Watchers, uint32(id), f.Conn.View(), ev)
	}
	if p.options.Follow != nil {
		p.options.Follow.note(f, seg, side, ev, p.options.Settings.TimeWait)
	}
	return id
}

// add takes the connection that begins into the table, and ends another if there is
// no room.
func (p *partition) add(position uint64, hash uint32) (flow.ID, *flow.Flow) {
	if id, why, must := p.flows.MakeRoom(hash); must {
		p.evict(id, why)
	}
	id, f := p.flows.Add(position, hash)
	if p.options.Follow != nil {
		p.options.Follow.begin(f)
	}
	if p.options.Time || p.options.Follow.stretches(f) {
		f.Account = p.waits.Open(uint32(id))
	}
	return id, f
}
