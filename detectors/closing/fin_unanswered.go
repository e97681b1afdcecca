package closing

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FINUnanswered reports a FIN that is sent again and again, and acknowledged by
// nobody: the closer is held in FIN_WAIT_1 or LAST_ACK until it gives up. RFC
// 6298 5; RFC 9293 3.8.3.
var FINUnanswered = &detectors.Detector{
	Name: "fin-unanswered",
	Doc: detectors.Doc{
		Title: "a FIN was sent again and again, and never acknowledged",
		What: "One side sends FIN, and sends it again with growing intervals, as it should. Nothing from the peer acknowledges " +
			"it, for six seconds or more. The closer stays in FIN_WAIT_1 (it closed first) or LAST_ACK (second) until it gives up.",
		Cause: "The peer is gone: switched off, crashed, roamed away, or cut off by a firewall or NAT that forgot the connection " +
			"and drops what it does not know. The closer's socket is an orphan: its application has closed it, and the kernel " +
			"repeats the FIN for a minute or two.",
		Action: "Ask what became of the peer at this time, and of the path to it. The closer does its part. If such orphans are many " +
			"(netstat: FIN_WAIT1, LAST_ACK), they take memory on its host: fewer repeats are enough for a peer that is gone (Linux: net.ipv4.tcp_orphan_retries).",
		NotThis: "A FIN that is never sent again: unretransmitted-fin. A FIN behind data that is not acknowledged, or before a shut window: " +
			"those come first. A FIN that was acknowledged while the ACK was lost: the resend is answered, or its ACK was seen.",
		Peers: "Wireshark calls each repeat a retransmission, and a FIN nobody answers it does not mention. Ostermann's tcptrace calls the connection " +
			"complete once both FINs were seen.",
		Refs:  []string{"RFC 6298 5", "RFC 9293 3.8.3", "RFC 1122 4.2.3.5", "KB Q254930"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "peer-unaware", Severity: detectors.Critical, When: "the peer goes on speaking and acknowledges nothing beyond what came before the FIN: it never gets it",
			Cause: "The peer lives, and its segments arrive: something on the way drops those of the closer with FIN (a firewall, a NAT, a WAN " +
				"optimiser that believes the connection closed), or all of them (then the peer repeats itself, too), or the peer's TCP ignores them.",
			Action: "Capture on the peer's own interface: if no FIN arrives there, look at each middlebox in between. Until then the peer's " +
				"application never learns that the stream has ended: its socket has to be closed by hand, or by keep-alive."},
		{Name: "exhausted", Severity: detectors.Warning, When: "the repeats stopped although the trace went on: the closer gave up"},
		{Name: "still-trying", Severity: detectors.Warning, When: "the next repeat was not overdue when the record ends"},
		{Name: "reset", Severity: detectors.Info, When: "a RST of either side ended it",
			Cause: "The peer's host came back without the connection and answered the FIN with RST, or the closer gave up and said so."},
		{Name: "answered", Severity: detectors.Info, When: "it was acknowledged at last: the peer, or the path to it, was away for so long"},
	},
	Params: []detectors.Param{
		{Name: "min-sends", Default: 3, Min: 2, Max: 100, Unit: "", Doc: "how often a FIN must be sent, the first time included"},
		{Name: "patience", Default: 6, Min: 0.5, Max: 3600, Unit: "s", Doc: "for how long at least the FIN must stay unacknowledged"},
	},
	Absence:      detectors.NoFINAck,
	StartsOn:     fsm.On(fsm.FinResent),
	SubscribesTo: fsm.On(fsm.FinResent, fsm.FinAcked, fsm.SentBeyondFin, fsm.WindowOpened, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(finUnanswered) },
}

type finUnanswered struct{ sides [2]repeatedFIN }

// A repeatedFIN is one side's FIN from its first repeat on, until it is
// acknowledged.
type repeatedFIN struct {
	open    bool
	told    bool
	anew    bool // it was followed before, and that was of no interest
	sends   int  // that were seen
	first   reassembly.Mark
	last    reassembly.Mark
	gaps    [2]int64        // the first interval and the latest
	unaware reassembly.Mark // the peer's latest segment that still does not acknowledge it
}

func (w *finUnanswered) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.FinResent:
		w.again(ev, r)
	case fsm.FinAcked:
		w.over(ev.Side, "answered", ev, r)
	case fsm.SentBeyondFin:
		w.drop(ev.Side, r)
	case fsm.WindowOpened:
		w.drop(ev.Side.Peer(), r) // until now it waited for that
	case fsm.ResetSent:
		for side := range w.sides {
			w.over(reassembly.Side(side), "reset", ev, r)
		}
	case fsm.Revived:
		for side := range w.sides {
			if w.sides[side].told {
				w.drop(reassembly.Side(side), r)
			}
		}
	case fsm.Sent:
		f := &w.sides[ev.Side.Peer()]
		if f.open && ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst {
			if ev.Seg.At-f.first.At > int64(r.Old.RTO(ev.Side.Peer())) { // an earlier one may have crossed it
				f.unaware = reassembly.MarkOf(ev.Seg)
			}
		}
	}
}

// again takes a repeat of the FIN.
func (w *finUnanswered) again(ev fsm.Event, r *detectors.Report) {
	f := &w.sides[ev.Side]
	m := reassembly.MarkOf(ev.Seg)
	_, reset := r.Old.ResetBy()
	switch {
	case reset: // it was answered so, and the answer lost behind the tap
		return
	case r.Old.Half(ev.Side).Phase == fsm.PhaseFinAcked: // the ACK was seen, and lost behind the tap
		return
	case !f.open:
		anew := f.anew
		*f = repeatedFIN{open: true, sends: 1, first: m, last: m}
		if !anew && ev.Was.Flags&reassembly.FIN != 0 {
			f.first, f.last = *ev.Was, *ev.Was
			f.repeat(m)
		}
	default:
		f.repeat(m)
	}
	r.WakeAt(max(w.patient(ev.Side, r), m.At))
	r.WakeAt(f.overdue())
}

func (f *repeatedFIN) repeat(m reassembly.Mark) {
	f.gaps[1] = m.At - f.last.At
	if f.sends == 1 {
		f.gaps[0] = f.gaps[1]
	}
	f.last = m
	f.sends++
}

// patient is when the FIN has been unanswered for long enough to be told.
func (w *finUnanswered) patient(side reassembly.Side, r *detectors.Report) int64 {
	return w.sides[side].first.At + int64(r.Value("patience")*float64(time.Second))
}

// overdue is when the next repeat is overdue: intervals double (RFC 6298 5.5),
// and something is left for jitter.
func (f *repeatedFIN) overdue() int64 {
	return f.last.At + max(f.gaps[1]*5/2, int64(3*time.Second))
}

// ripe says that the FIN was sent often enough, and that nothing but its
// acknowledgment is missing.
func (w *finUnanswered) ripe(side reassembly.Side, r *detectors.Report) bool {
	f := &w.sides[side]
	return f.open && f.sends >= int(r.Value("min-sends")) && r.Old.FINDue(side)
}

// drop ends the watch of one FIN: there is nothing to be said about it.
func (w *finUnanswered) drop(side reassembly.Side, r *detectors.Report) {
	f := &w.sides[side]
	if f.told {
		r.Withdraw(f.first.File, f.first.Frame)
	}
	*f = repeatedFIN{anew: true}
}

// over takes the end of the wait: an ACK, or a RST.
func (w *finUnanswered) over(side reassembly.Side, outcome string, ev fsm.Event, r *detectors.Report) {
	f := &w.sides[side]
	if !f.open {
		return
	}
	ripe := f.sends >= int(r.Value("min-sends")) && ev.Seg.At >= w.patient(side, r) && (f.told || outcome == "answered" || r.Old.FINDue(side))
	if !ripe {
		w.drop(side, r)
		return
	}
	end := reassembly.MarkOf(ev.Seg)
	sender := side.Peer()
	if outcome == "reset" {
		sender = ev.Side
	}
	w.tell(side, outcome, ev.Seg.At, r, r.Evidence(map[string]string{"answered": "acknowledged at last", "reset": "RST"}[outcome], sender, &end))
	f.open = false
}

// Due tells of a FIN that has been sent often enough, for long enough, and of
// one that is not sent any more.
func (w *finUnanswered) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		f := &w.sides[side]
		if !f.open {
			continue
		}
		for _, at := range [...]int64{w.patient(side, r), f.overdue()} {
			if at > now {
				r.WakeAt(at)
			}
		}
		if w.ripe(side, r) && now >= w.patient(side, r) {
			w.standing(side, now, r)
		}
	}
}

func (w *finUnanswered) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if w.ripe(side, r) {
			w.standing(side, e.At, r)
		}
	}
}

// standing tells of a FIN that nobody has answered by trace time now.
func (w *finUnanswered) standing(side reassembly.Side, now int64, r *detectors.Report) {
	f := &w.sides[side]
	outcome := "still-trying"
	switch {
	case f.unaware.At != 0:
		outcome = "peer-unaware"
	case now >= f.overdue():
		outcome = "exhausted"
	}
	var more []detectors.Evidence
	if outcome == "peer-unaware" {
		more = []detectors.Evidence{r.Evidence("still does not acknowledge the FIN", side.Peer(), &f.unaware)}
	}
	w.tell(side, outcome, now, r, more...)
}

// tell reports the FIN as things stand at trace time now.
func (w *finUnanswered) tell(side reassembly.Side, outcome string, now int64, r *detectors.Report, more ...detectors.Evidence) {
	f := &w.sides[side]
	f.told = true
	evidence := []detectors.Evidence{r.Evidence("FIN", side, &f.first)}
	if !detectors.SameFrame(&f.last, &f.first) {
		evidence = append(evidence, r.Evidence("FIN, the last time", side, &f.last))
	}
	found := r.FindNamed(outcome, side.Peer(), now, append(evidence, more...)...)
	standing := outcome != "answered" && outcome != "reset"
	if standing {
		found.States = r.StatesNow(now)
		found.At = min(now, max(w.patient(side, r), f.turned(outcome)))
	}
	found.End = now
	found.Roles = []detectors.Role{{Name: "closer", Side: side}, {Name: "peer", Side: side.Peer()}}
	found.Measure("sends", f.sends)
	found.Measure("first_interval_s", detectors.Seconds(f.gaps[0]))
	found.Measure("last_interval_s", detectors.Seconds(f.gaps[1]))
	found.Measure("backoff", detectors.Backoff(f.gaps[0], f.gaps[1], f.sends))
	found.Measure("duration_s", detectors.Seconds(now-f.first.At))
	found.Measure("silence_s", detectors.Seconds(now-f.last.At))
	found.Measure("peer_silence_s", detectors.Seconds(now-max(r.Old.LastSent(side.Peer()).At, r.Old.First())))
	found.Message = w.message(side, outcome, now, &found, r)
	if early := w.patient(side, r) - now; standing && early > 0 {
		found.Undecide(fmt.Sprintf("the capture ends %s too soon to call the FIN unanswered", detectors.Span(early)))
	} else if standing {
		r.Absence(&found, f.first.At)
	}
	r.Emit(found)
}

// turned is when the outcome became true, but for patience.
func (f *repeatedFIN) turned(outcome string) int64 {
	switch outcome {
	case "peer-unaware":
		return f.unaware.At
	case "exhausted":
		return f.overdue()
	}
	return f.last.At
}

func (w *finUnanswered) message(side reassembly.Side, outcome string, now int64, found *detectors.Finding, r *detectors.Report) string {
	f := &w.sides[side]
	own, peer := r.Name(side), r.Name(side.Peer())
	m := fmt.Sprintf("%s sent FIN (frame %d), and again until frame %d: %d times in %s, at intervals of %s to %s.",
		own, f.first.Frame, f.last.Frame, f.sends, detectors.Span(f.last.At-f.first.At), detectors.Span(f.gaps[0]), detectors.Span(f.gaps[1]))
	switch outcome {
	case "answered":
		return m + fmt.Sprintf(" %s acknowledged it after %s: until then one of them could not hear the other.", peer, detectors.Span(now-f.first.At))
	case "reset":
		who := peer
		if found.Evidence[len(found.Evidence)-1].Seg.Src == r.Old.Endpoint(side) {
			who = own
		}
		return m + fmt.Sprintf(" Nobody acknowledged it, and after %s %s ended the connection with RST (frame %d).",
			detectors.Span(now-f.first.At), who, found.Evidence[len(found.Evidence)-1].Seg.Frame)
	case "peer-unaware":
		m += fmt.Sprintf(" %s never gets it: it goes on speaking, and %s after the FIN it still acknowledges nothing beyond what came before (frame %d).",
			peer, detectors.Span(f.unaware.At-f.first.At), f.unaware.Frame)
	default:
		m += fmt.Sprintf(" %s has not acknowledged it.", peer)
		if r.Old.LastSent(side.Peer()).At <= f.first.At {
			m = m[:len(m)-1] + ", nor sent anything else since: it is gone, or cut off."
		}
	}
	left := "is left"
	if now >= f.overdue() {
		left = "was"
		m += fmt.Sprintf(" %s has given up: it has not sent it for %s.", own, detectors.Span(now-f.last.At))
	}
	return m + fmt.Sprintf(" %s %s in %s, %s in %s.", own, left, found.States[side], peer, found.States[side.Peer()])
}
