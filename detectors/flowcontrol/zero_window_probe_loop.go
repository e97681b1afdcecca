package flowcontrol

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ZeroWindowProbeLoop reports a sender that probes a receiver's closed window, and
// how that ended. RFC 9293 3.8.6.1; KB Q117317.
var ZeroWindowProbeLoop = &detectors.Detector{
	Name:  "zero-window-probe-loop",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "a sender is probing a window that stays closed",
		What: "The receiver advertises window 0 and the sender probes it, at growing intervals: with an empty segment at SND.UNA-1 (Linux), " +
			"one byte at SND.NXT (BSD, Windows), or the segment that did not fit. The receiver answers each probe with " +
			"window 0, or does not answer at all.",
		Cause: "Answered probes: the receiving application has stopped reading (hung, blocked, deadlocked, suspended), and its " +
			"buffer is full; or, if its answers carry SACK, a hole keeps it from reading. Unanswered probes: the receiver was switched off, or lost its network or its state, while its " +
			"window was closed. The sender cannot know.",
		Action: "Find out why the receiving process does not read. If the receiver is gone, close the connection on the " +
			"sender manually, or set a limit there (TCP_USER_TIMEOUT; RFC 1122 4.2.3.5 asks for an R2 of at least 100 s).",
		NotThis: "Keep-alives, which look the same on Linux but are sent while the window is open. A burst that was in flight when the " +
			"window closed. A window that closes for a moment and opens again.",
		Peers: "Wireshark calls Linux's probes Keep-Alive, because it does not look at the peer's window. Ostermann's tcptrace counts " +
			"only probes that carry data.",
		Refs:  []string{"KB Q117317", "RFC 9293 3.8.6.1", "RFC 1122 4.2.2.17"},
		Since: "0.1",
	},
	Outcomes: []*detectors.Outcome{ghosted, stalled, reset, aborted, gaveUp, recovered},
	Params: []detectors.Param{
		{Name: "min-probes", Default: 3, Min: 1, Max: 1000, Unit: "", Doc: "minimum number of probes for a finding"},
		{Name: "min-silent", Default: 2, Min: 1, Max: 1000, Unit: "", Doc: "minimum number of probes at the end that got no segment at all, for the receiver to count as unreachable"},
	},
	StartsOn:     fsm.On(fsm.WindowShut, fsm.MaybeProbed),
	SubscribesTo: fsm.On(fsm.WindowShut, fsm.WindowOpened, fsm.WindowShrunk, fsm.Probed, fsm.MaybeProbed, fsm.Advanced, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(zeroWindowProbeLoop) },
}

var (
	ghosted = &detectors.Outcome{Name: "ghosted", Severity: detectors.Critical, Fault: detectors.FaultSuspected,
		When: "the receiver is unreachable, and the sender was still probing when the capture ended"}
	stalled = &detectors.Outcome{Name: "stalled", Severity: detectors.Critical, Fault: detectors.FaultHost,
		When: "the window was still closed when the capture ended; a warning until it has been for 10 s"}
	reset = &detectors.Outcome{Name: "reset", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the receiver came back without the connection and answered a probe with RST"}
	aborted = &detectors.Outcome{Name: "aborted", Severity: detectors.Warning, Fault: detectors.FaultHost, When: "the receiver ended the connection with a RST of its own"}
	gaveUp  = &detectors.Outcome{Name: "gave-up", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "the sender ended it: by RST, by a new connection, or by falling silent"}
	recovered = &detectors.Outcome{Name: "recovered", Severity: detectors.Info, Fault: detectors.FaultHost, When: "the window opened again; a warning from 30 s on"}
)

const (
	mergeWithin   = 5 * time.Second        // recovered episodes this close together are one finding
	longStall     = 30 * time.Second       // from here on a recovered episode is a warning
	minAnswerTime = 50 * time.Millisecond  // a RST this soon after a probe may answer it
	firstInterval = 200 * time.Millisecond // shortest first interval of a persist timer
	userTimeout   = 100 * time.Second      // R2 of RFC 1122 4.2.3.5
)

// zeroWindowProbeLoop follows each side that probes its peer's window.
type zeroWindowProbeLoop struct {
	review [2]detectors.Deadline // of the open episode: silence alone may change its outcome
	sides  [2]prober
}

// A prober is one side that probes, or may probe, its peer's window.
type prober struct {
	open     bool // the episode
	byRST    bool // a RST closed it, which may prove not to be its side's own
	episode  episode
	merged   *recovery // the last recovered episodes, while others may join them
	series   series
	reviewAt int64
}

func (w *zeroWindowProbeLoop) Event(ev fsm.Event, r *detectors.Report) {
	side, peerSide := ev.Side, ev.Side.Peer()
	own, peer := &w.sides[side], &w.sides[peerSide]
	switch ev.Kind {
	case fsm.WindowShut:
		peer.begin(ev.Seg, peerSide, r)
	case fsm.WindowOpened:
		if peer.open {
			peer.close(recovered, ev.Seg.At, &detectors.Evidence{Role: "window open again", Seg: *ev.Seg}, peerSide, r)
		}
	case fsm.WindowShrunk: // by the segment that closed it
		if e := &peer.episode; peer.open && e.anchor.Seg.Frame == ev.Seg.Frame && e.anchor.Seg.File == ev.Seg.File {
			out := r.Conn.Stream(peerSide)
			e.why.retracted = min(ev.N, out.InFlight())
		}
	case fsm.Advanced: // beyond a probe's byte, though the window stays closed: the count starts again
		if own.open && ev.N > 1 && r.Conn.Window(peerSide).Shut {
			e := &own.episode
			own.withdraw(r)
			*e = episode{anchor: e.anchor, proberLast: e.proberLast, receiverLast: e.receiverLast, why: blockage{retracted: e.why.retracted}}
		}
	case fsm.Probed:
		if own.open {
			own.episode.probe(ev.Seg, probeForm(r.Conn, side, ev.Seg))
			w.schedule(side, ev.Seg.At, r)
		}
	case fsm.MaybeProbed:
		own.series.add(ev.Seg)
	case fsm.ResetSent:
		w.reset(ev, r)
	case fsm.Revived: // the RST was not its side's own: the episode goes on
		for i := range w.sides {
			if p := &w.sides[i]; p.byRST {
				p.open, p.byRST = true, false
				p.withdraw(r)
			}
		}
	case fsm.Sent:
		w.sent(ev, r)
	}
}

// sent notes any segment, after the other events that it brought.
func (w *zeroWindowProbeLoop) sent(ev fsm.Event, r *detectors.Report) {
	if detectors.MayBeForged(ev) {
		return
	}
	own, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	if own.open {
		own.episode.proberLast = ev.Seg.At
	} else if ev.Class == fsm.NewData {
		own.series.newData(ev.Seg)
	}
	if peer.open {
		peer.episode.fromReceiver(ev.Seg, detectors.AcksUna(r.Conn, ev.Side, ev.Seg))
		return
	}
	if out := r.Conn.Stream(ev.Side.Peer()); out.Knows(reassembly.KnowEdge) { // the window is known, and it is open
		peer.series = series{}
	}
}

// begin begins an episode at the segment that advertised window 0, or back at the
// first of the probes that it answers.
func (p *prober) begin(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	p.open, p.episode = true, episode{anchor: detectors.Evidence{Role: "window closed", Seg: *seg}, proberLast: seg.At, receiverLast: seg.At}
	if p.series.areProbes(r.Conn, side) {
		p.episode = p.series.episode
		p.episode.anchor.Role = "first probe seen; the window closed before the capture"
		p.episode.form = probeForm(r.Conn, side, &p.episode.last)
	}
	p.episode.why.note(seg)
	p.series = series{}
}

// reset ends the episodes of both directions by a RST of the side.
func (w *zeroWindowProbeLoop) reset(ev fsm.Event, r *detectors.Report) {
	side, rst := ev.Side, ev.Seg
	if own := &w.sides[side]; own.open {
		own.close(gaveUp, rst.At, &detectors.Evidence{Role: "RST from the prober", Seg: *rst}, side, r)
		own.byRST = true
	}
	if peer := &w.sides[side.Peer()]; peer.open {
		outcome, role, rtt := aborted, "RST that answers no probe", r.Conn.SRTT(side.Peer())
		switch last := r.Conn.Last(side.Peer()); {
		case peer.episode.answeredByRST(rst, rtt):
			outcome, role = reset, "RST in answer to the probe"
		case ev.Was.At < last.At && rst.Flags&reassembly.ACK == 0 && answeredBy(rst, &last, rtt):
			outcome, role = reset, roleAnswers
		}
		peer.close(outcome, rst.At, &detectors.Evidence{Role: role, Seg: *rst}, side.Peer(), r)
		peer.byRST = true
	}
	w.sides[reassembly.A].series, w.sides[reassembly.B].series = series{}, series{}
}

// schedule asks for a review when silence may have changed the outcome of the side's
// episode. An earlier review stays.
func (w *zeroWindowProbeLoop) schedule(side reassembly.Side, now int64, r *detectors.Report) {
	p, review := &w.sides[side], &w.review[side]
	if p.episode.probes < int(r.Value("min-probes")) {
		return
	}
	if at := p.episode.nextChange(now, r); at > now && (!review.Armed() || at < p.reviewAt) {
		p.reviewAt = at
		review.Arm(now, r)
	}
}

func (w *zeroWindowProbeLoop) Deadlines() []detectors.Deadline { return w.review[:] }

// Limit is when the episode is to be reviewed.
func (w *zeroWindowProbeLoop) Limit(i int, _ *detectors.Report) int64 { return w.sides[i].reviewAt }

// Overdue reports how the open episode stands. End does so for the last time.
func (w *zeroWindowProbeLoop) Overdue(i int, o detectors.Overdue, r *detectors.Report) {
	if o.Ended {
		return
	}
	w.review[i].Disarm()
	if p, side := &w.sides[i], reassembly.Side(i); p.open {
		p.report(p.episode.outcome(o.Now, r), o.Now, nil, side, r)
		w.schedule(side, o.Now, r)
	}
}

func (w *zeroWindowProbeLoop) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		p := &w.sides[side]
		if p.open {
			p.episode.replaced = e.Why == detectors.Replaced
			p.close(p.episode.outcome(e.At, r), e.At, nil, side, r)
		} else {
			p.series.report(e, side, r)
		}
	}
}

// close ends the episode, by the segment that ended it if there was one.
func (p *prober) close(outcome *detectors.Outcome, at int64, by *detectors.Evidence, side reassembly.Side, r *detectors.Report) {
	p.open = false
	p.report(outcome, at, by, side, r)
}

// report reports the episode as it stands, if it has enough probes. Recovered
// episodes in quick succession are one finding.
func (p *prober) report(outcome *detectors.Outcome, at int64, by *detectors.Evidence, side reassembly.Side, r *detectors.Report) {
	e := &p.episode
	if e.probes < int(r.Value("min-probes")) {
		return
	}
	if outcome != recovered {
		r.Emit(e.finding(outcome, at, by, side, r))
		return
	}
	p.withdraw(r) // the finding of the episode while it lasted
	if p.merged == nil || e.anchor.Seg.At-p.merged.end > int64(mergeWithin) {
		p.merged = &recovery{episode: *e}
	} else {
		p.merged.join(e)
	}
	m := p.merged
	m.end, m.shut, m.episodes = at, m.shut+at-e.anchor.Seg.At, m.episodes+1
	f := m.episode.finding(outcome, at, by, side, r)
	f.Measure("episodes", m.episodes)
	if m.shut >= int64(longStall) {
		f.Severity = detectors.Warning
	}
	if m.episodes > 1 {
		f.Message = m.message(by.Seg.Frame, side, r)
	}
	r.Emit(f)
}

// withdraw takes back what was reported of the episode.
func (p *prober) withdraw(r *detectors.Report) {
	r.Withdraw(p.episode.anchor.Seg.File, p.episode.anchor.Seg.Frame)
}
