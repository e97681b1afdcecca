package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ZeroWindowProbeLoop reports a sender that probes a receiver's closed window,
// and how that ended. RFC 9293 3.8.6.1; KB Q117317.
var ZeroWindowProbeLoop = &detectors.Detector{
	Name: "zero-window-probe-loop",
	Doc: detectors.Doc{
		Title: "a sender is probing a window that stays closed",
		What: "The receiver advertises window 0 and the sender probes it, at growing intervals: nothing at SND.UNA-1 (Linux), " +
			"one byte at SND.NXT (BSD, Windows), or the segment that did not fit. The receiver answers each probe with " +
			"window 0, or answers nothing at all.",
		Cause: "Answered probes: the receiving application has stopped reading (hung, blocked, deadlocked, suspended), and its " +
			"buffer is full. Unanswered probes: the receiver was switched off, lost its network or its state, while its " +
			"window was closed; the sender cannot know.",
		Action: "Look at the receiving process: why does it not read? If the receiver is gone, close the connection on the " +
			"sender by hand, or by a limit there (TCP_USER_TIMEOUT; RFC 1122 4.2.3.5 asks for R2 of 100 s at least).",
		NotThis: "Keep-alives, which have the same form on Linux but meet an open window. A burst that was in flight when the " +
			"window shut. A window that closes for a moment and opens again.",
		Peers: "Wireshark calls Linux's probes Keep-Alive, because it does not look at the peer's window, and Ostermann's tcptrace counts " +
			"only probes that carry data.",
		Refs:  []string{"KB Q117317", "RFC 9293 3.8.6.1", "RFC 1122 4.2.2.17"},
		Since: "0.1",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "ghosted", Severity: detectors.Critical, When: "the receiver is gone, and the sender still probed when the capture ended"},
		{Name: "stalled", Severity: detectors.Critical, When: "the window was still closed when the capture ended"},
		{Name: "reset", Severity: detectors.Warning, When: "the receiver came back without the connection and answered a probe with RST"},
		{Name: "aborted", Severity: detectors.Warning, When: "the receiver ended the connection by a RST of its own"},
		{Name: "gave-up", Severity: detectors.Warning, When: "the sender ended it: by RST, by a new connection, or by falling silent"},
		{Name: "recovered", Severity: detectors.Info, When: "the window opened again; a warning from 30 s on"},
	},
	Params: []detectors.Param{
		{Name: "min-probes", Default: 3, Min: 1, Max: 1000, Unit: "", Doc: "probes that make a finding"},
		{Name: "min-silent", Default: 2, Min: 1, Max: 1000, Unit: "", Doc: "last probes that must have met no segment at all before the receiver is called gone"},
	},
	StartsOn:     fsm.On(fsm.WindowShut, fsm.MaybeProbed),
	SubscribesTo: fsm.On(fsm.WindowShut, fsm.WindowOpened, fsm.Probed, fsm.MaybeProbed, fsm.Advanced, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(zeroWindowProbeLoop) },
}

const (
	mergeWithin   = 5 * time.Second        // recovered episodes so close are one finding
	longStall     = 30 * time.Second       // from here on a recovered episode is a warning
	minAnswerTime = 50 * time.Millisecond  // a RST this soon after a probe may answer it
	firstInterval = 200 * time.Millisecond // shortest first interval of a persist timer
	userTimeout   = 100 * time.Second      // R2 of RFC 1122 4.2.3.5
)

// zeroWindowProbeLoop holds one account per direction, by the side that probes.
type zeroWindowProbeLoop struct {
	sides [2]probing
}

// probing is what is known of one side that probes the other's window.
type probing struct {
	open    bool
	reset   bool // closed by a RST; that may prove not to be its sender's own
	episode episode
	merged  *recovery // the last recovered episodes, while others may join them
	series  series
}

func (w *zeroWindowProbeLoop) Event(ev fsm.Event, r *detectors.Report) {
	side := ev.Side
	own, peer := &w.sides[side], &w.sides[side.Peer()]
	switch ev.Kind {
	case fsm.WindowShut: // this side is the receiver
		peer.shut(ev.Seg, side.Peer(), r)
	case fsm.WindowOpened:
		if peer.open {
			peer.close("recovered", ev.Seg.At, &detectors.Evidence{Role: "window open again", Seg: *ev.Seg}, side.Peer(), r)
		}
	case fsm.Advanced: // what this side, the prober, sent was taken
		if own.open && ev.N > 1 && r.Old.WindowShut(side.Peer()) {
			own.restart(r)
		}
	case fsm.Probed:
		if own.open {
			own.episode.probe(ev.Seg, formOf(ev.Seg, side, r))
			own.wake(ev.Seg.At, r)
		}
	case fsm.MaybeProbed:
		own.series.suspect(ev.Seg)
	case fsm.ResetSent:
		w.reset(side, ev.Seg, r)
	case fsm.Revived:
		own.revive(r)
		peer.revive(r)
	case fsm.Sent:
		w.sent(ev, r)
	}
}

// sent takes any segment, after the other events that it brought.
func (w *zeroWindowProbeLoop) sent(ev fsm.Event, r *detectors.Report) {
	if ev.Class == fsm.OutOfWindow || ev.Class == fsm.Rst {
		return
	}
	own, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	if own.open {
		own.episode.sender = ev.Seg.At
	} else if ev.Class == fsm.NewData {
		own.series.wentOn(ev.Seg)
	}
	if peer.open {
		peer.episode.receiverSpoke(ev.Seg, r.Old.AcksUna(ev.Side, ev.Seg))
	} else if r.Old.WindowSeen(ev.Side) {
		peer.series = series{} // the window is known, and it is open
	}
}

// shut opens an episode at the segment that advertised window 0, or back at the
// first of a series of probes that it answers.
func (p *probing) shut(seg *reassembly.Segment, prober reassembly.Side, r *detectors.Report) {
	p.open, p.episode = true, episode{opened: detectors.Evidence{Role: "window closed", Seg: *seg}, sender: seg.At, receiver: seg.At}
	if p.series.probed(prober, r) {
		p.episode = p.series.episode
		p.episode.opened.Role = "first probe seen; the window closed before the capture"
		p.episode.form = formOf(&p.episode.last, prober, r)
	}
	p.series = series{}
}

// restart begins the count anew: the receiver took data, and its window is
// still closed.
func (p *probing) restart(r *detectors.Report) {
	e := &p.episode
	r.Withdraw(e.opened.Seg.File, e.opened.Seg.Frame)
	*e = episode{opened: e.opened, sender: e.sender, receiver: e.receiver}
}

// reset ends episodes of both directions by a RST of side.
func (w *zeroWindowProbeLoop) reset(side reassembly.Side, rst *reassembly.Segment, r *detectors.Report) {
	if own := &w.sides[side]; own.open {
		own.close("gave-up", rst.At, &detectors.Evidence{Role: "RST of the prober", Seg: *rst}, side, r)
		own.reset = true
	}
	prober := side.Peer()
	if p := &w.sides[prober]; p.open {
		outcome, role := "aborted", "RST, called for by no probe"
		if p.episode.answeredByRST(rst, r.Old.SRTT(prober)) {
			outcome, role = "reset", "RST in answer to the probe"
		}
		p.close(outcome, rst.At, &detectors.Evidence{Role: role, Seg: *rst}, prober, r)
		p.reset = true
	}
	w.sides[0].series, w.sides[1].series = series{}, series{}
}

// revive goes on with an episode that a RST had closed: it was not its sender's
// own.
func (p *probing) revive(r *detectors.Report) {
	if p.reset {
		p.open, p.reset = true, false
		r.Withdraw(p.episode.opened.Seg.File, p.episode.opened.Seg.Frame)
	}
}

// wake asks for a look at the episode when it may have changed its outcome
// without a segment: what is told early is told again at the end.
func (p *probing) wake(now int64, r *detectors.Report) {
	if p.episode.probes >= int(r.Value("min-probes")) {
		if at := p.episode.nextTurn(now, r); at > now {
			r.WakeAt(at)
		}
	}
}

// Due tells how open episodes stand.
func (w *zeroWindowProbeLoop) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if p := &w.sides[side]; p.open {
			p.tell(p.episode.standing(now, r), now, nil, side, r)
			p.wake(now, r)
		}
	}
}

func (w *zeroWindowProbeLoop) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		p := &w.sides[side]
		if p.open {
			p.episode.replaced = e.Why == detectors.Replaced
			p.close(p.episode.standing(e.At, r), e.At, nil, side, r)
		} else {
			p.series.tell(e, side, r)
		}
	}
}

// close ends the episode.
func (p *probing) close(outcome string, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) {
	p.open = false
	p.tell(outcome, at, by, prober, r)
}

// tell reports the episode as it stands, if it has probes enough. Recovered
// episodes in quick succession are one finding.
func (p *probing) tell(outcome string, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) {
	e := &p.episode
	if e.probes < int(r.Value("min-probes")) {
		return
	}
	if outcome != "recovered" {
		r.Emit(e.finding(outcome, at, by, prober, r))
		return
	}
	r.Withdraw(e.opened.Seg.File, e.opened.Seg.Frame) // what was told while it lasted
	if p.merged == nil || e.opened.Seg.At-p.merged.end > int64(mergeWithin) {
		p.merged = &recovery{episode: *e}
	} else {
		p.merged.join(e)
	}
	m := p.merged
	m.end, m.shut, m.episodes = at, m.shut+at-e.opened.Seg.At, m.episodes+1
	f := m.episode.finding(outcome, at, by, prober, r)
	f.Measure("episodes", m.episodes)
	if m.shut >= int64(longStall) {
		f.Severity = detectors.Warning
	}
	if m.episodes > 1 {
		f.Message += fmt.Sprintf(" This happened %d times in %s.", m.episodes, detectors.Span(at-m.episode.opened.Seg.At))
	}
	r.Emit(f)
}
