package detectors

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ZeroWindowProbeLoop reports a sender that probes a receiver's closed window,
// and how that ended. RFC 9293 3.8.6.1; KB Q117317.
var ZeroWindowProbeLoop = &Detector{
	Name: "zero-window-probe-loop",
	Doc: Doc{
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
	Outcomes: []Outcome{
		{"ghosted", Critical, "the receiver is gone, and the sender still probed when the capture ended"},
		{"stalled", Critical, "the window was still closed when the capture ended"},
		{"reset", Warning, "the receiver came back without the connection and answered a probe with RST"},
		{"aborted", Warning, "the receiver ended the connection by a RST of its own"},
		{"gave-up", Warning, "the sender ended it: by RST, by a new connection, or by falling silent"},
		{"recovered", Info, "the window opened again; a warning from 30 s on"},
	},
	Params: []Param{
		{"min-probes", 3, 1, 1000, "", "probes that make a finding"},
		{"min-silent", 2, 1, 1000, "", "last probes that must have met no segment at all before the receiver is called gone"},
	},
	Opens: fsm.On(fsm.WindowShut, fsm.MaybeProbed),
	Hears: fsm.On(fsm.WindowShut, fsm.WindowOpened, fsm.Probed, fsm.MaybeProbed, fsm.Advanced, fsm.ResetSent, fsm.Sent),
	Watch: func(*Report) Watcher { return new(zeroWindowProbeLoop) },
}

const (
	minSilence    = 3 * time.Second        // a receiver is not called gone before
	giveUpFactor  = 2.5                    // intervals of silence after which the prober has given up
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
	episode episode
	merged  *recovery // the last recovered episodes, while others may join them
	series  []reassembly.Segment
	broken  bool // the series is not one of probes
}

func (w *zeroWindowProbeLoop) Event(ev fsm.Event, r *Report) {
	own, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	switch ev.Kind {
	case fsm.WindowShut: // this side is the receiver
		peer.shut(ev.Seg, r)
	case fsm.WindowOpened:
		if peer.open {
			peer.close("recovered", ev.Seg.At, &Evidence{"window open again", *ev.Seg}, ev.Side.Peer(), r)
		}
		peer.series = nil
	case fsm.Advanced: // what this side, the prober, sent was taken
		if own.open && ev.N > 1 {
			own.episode.restart()
		}
	case fsm.Probed:
		if own.open {
			own.episode.probe(ev.Seg)
			own.wake(ev.Side, r)
		}
	case fsm.MaybeProbed:
		own.suspect(ev.Seg)
	case fsm.ResetSent:
		w.reset(ev.Side, ev.Seg, r)
	case fsm.Sent:
		if own.open {
			own.episode.sender = ev.Seg.At
		}
		if peer.open && ev.Class != fsm.Stray {
			peer.episode.receiverSpoke(ev.Seg, r.Conn.Stream(ev.Side.Peer()).Una)
		} else if r.Conn.WindowSeen(ev.Side) {
			peer.series = nil // the window is known, and it is open
		}
	}
}

// shut opens an episode at the segment that advertised window 0, or back at the
// first of a series of probes that it answers.
func (p *probing) shut(seg *reassembly.Segment, r *Report) {
	p.open, p.episode = true, episode{opened: Evidence{"window closed", *seg}, sender: seg.At, receiver: seg.At}
	if len(p.series) > 0 {
		first := p.series[0]
		p.episode.opened = Evidence{"first probe seen; the window closed before the capture", first}
		p.episode.receiver = first.At
		for i := range p.series {
			p.episode.probe(&p.series[i])
		}
		p.episode.sender = p.episode.last.At
		p.series = nil
	}
}

// maxSeries bounds the memory of a series of what may be probes.
const maxSeries = 64

// suspect collects segments that may be probes: of one form, while the
// receiver's window was never seen.
func (p *probing) suspect(seg *reassembly.Segment) {
	if n := len(p.series); n > 0 {
		last := &p.series[n-1]
		if seg.Seq != last.Seq || seg.Ack != last.Ack || seg.Len != last.Len {
			p.series = p.series[:0]
		} else if n == maxSeries {
			copy(p.series[1:], p.series[2:])
			p.series = p.series[:n-1]
		}
	}
	p.series = append(p.series, *seg)
}

// reset ends episodes of both directions by a RST of side.
func (w *zeroWindowProbeLoop) reset(side reassembly.Side, rst *reassembly.Segment, r *Report) {
	if own := &w.sides[side]; own.open {
		own.close("gave-up", rst.At, &Evidence{"RST of the prober", *rst}, side, r)
	}
	prober := side.Peer()
	if p := &w.sides[prober]; p.open {
		outcome, role := "aborted", "RST, called for by no probe"
		if p.episode.answeredByRST(rst, r.Conn.SRTT(prober)) {
			outcome, role = "reset", "RST in answer to the probe"
		}
		p.close(outcome, rst.At, &Evidence{role, *rst}, prober, r)
	}
	w.sides[0].series, w.sides[1].series = nil, nil
}

// wake asks for a look at the episode when it may have changed its outcome
// without a segment: what is told early is told again at the end.
func (p *probing) wake(prober reassembly.Side, r *Report) {
	if p.episode.probes >= int(r.Value("min-probes")) {
		r.WakeAt(p.episode.nextTurn())
	}
}

// Due tells how open episodes stand.
func (w *zeroWindowProbeLoop) Due(now int64, r *Report) {
	for side := range reassembly.Side(2) {
		if p := &w.sides[side]; p.open {
			p.tell(p.episode.standing(now, Ending{At: now}, r), now, nil, side, r)
			if next := p.episode.nextTurn(); next > now {
				r.WakeAt(next)
			}
		}
	}
}

func (w *zeroWindowProbeLoop) End(e Ending, r *Report) {
	for side := range reassembly.Side(2) {
		p := &w.sides[side]
		if p.open {
			p.close(p.episode.standing(e.At, e, r), e.At, nil, side, r)
		} else {
			p.tellSeries(e, side, r)
		}
	}
}

// close ends the episode.
func (p *probing) close(outcome string, at int64, by *Evidence, prober reassembly.Side, r *Report) {
	p.open = false
	p.tell(outcome, at, by, prober, r)
}

// tell reports the episode as it stands, if it has probes enough. Recovered
// episodes in quick succession are one finding.
func (p *probing) tell(outcome string, at int64, by *Evidence, prober reassembly.Side, r *Report) {
	e := &p.episode
	if e.probes < int(r.Value("min-probes")) {
		return
	}
	if outcome != "recovered" {
		r.Tell(e.finding(outcome, at, by, prober, r))
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
	f.set("episodes", m.episodes)
	if m.shut >= int64(longStall) {
		f.Severity = Warning
	}
	if m.episodes > 1 {
		f.Message += fmt.Sprintf(" This happened %d times in %s.", m.episodes, span(at-m.episode.opened.Seg.At))
	}
	r.Tell(f)
}

// tellSeries reports probes whose cause lies before the capture: what the
// window was, nobody saw.
func (p *probing) tellSeries(e Ending, prober reassembly.Side, r *Report) {
	if len(p.series) < int(r.Value("min-probes")) || !growing(p.series) {
		return
	}
	p.shut(&p.series[0], r)
	f := p.episode.finding(p.episode.standing(e.At, e, r), e.At, nil, prober, r)
	f.Limits |= fsm.WindowUnknown
	f.Undecide("window-unknown: the capture begins inside the exchange and shows no window of the receiver; these may be keep-alives or retransmissions")
	r.Tell(f)
}

// growing says whether the intervals of a series look like a persist timer's:
// 0.2 s at first, and growing.
func growing(series []reassembly.Segment) bool {
	before := int64(0)
	for i := 1; i < len(series); i++ {
		d := series[i].At - series[i-1].At
		if d < int64(firstInterval) || d < before-before/8 { // timers are not exact
			return false
		}
		before = d
	}
	first := series[1].At - series[0].At
	return before > first+first/4
}
