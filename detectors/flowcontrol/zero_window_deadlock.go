package flowcontrol

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ZeroWindowDeadlock reports a sender that has more to send and waits before a
// closed window without ever asking whether it has opened. RFC 9293 3.8.6.1.
var ZeroWindowDeadlock = &detectors.Detector{
	Name: "zero-window-deadlock",
	Doc: detectors.Doc{
		Title: "a sender waits before a closed window and does not probe it",
		What: "The receiver advertises window 0. The sender has more to send: data is unacknowledged, or its last segment came " +
			"without PSH, which the last buffered one must bear (RFC 9293 3.9.1.2). And yet neither probe nor data of it reaches the capture " +
			"point for more than three retransmission timeouts (15 seconds at least).",
		Cause: "A TCP without a persist timer, or one that loses it on some path (small embedded stacks, user-space shims and " +
			"proxies, offload engines): it relies on a window update, which is not retransmitted if it is lost. Or a middlebox before the " +
			"capture point that drops probes because they repeat or hold nothing.",
		Action: "Capture on the sender's own interface: if probes leave there, something in between drops them; if not, the sender's " +
			"stack is at fault. Until then keep-alives on the sender or TCP_USER_TIMEOUT end the wait. Then ask why the receiver did not read.",
		NotThis: "A sender that has said all it wanted: nobody must probe then. A sender that probes, however long (zero-window-probe-loop). " +
			"A capture that ends too soon, or that leaves pure ACKs out: undecided. A window that is small, but not 0 (small-window).",
		Peers: "Wireshark marks the closed window, and that it was full before, and says nothing about what does not follow.",
		Refs:  []string{"RFC 9293 3.8.6.1", "RFC 1122 4.2.2.17"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "stuck", Severity: detectors.Critical, When: "the window stays closed, and the sender does not ask"},
		{Name: "update-lost", Severity: detectors.Critical, When: "the receiver opened its window, and the sender neither goes on nor asks: it does not know",
			Cause: "The window update was lost behind the capture point, as pure ACKs may be, and the sender's TCP has no persist timer that " +
				"would find out (or a middlebox drops its probes)."},
		{Name: "resumed", Severity: detectors.Warning, When: "the window opened, and the sender, which had not asked, went on at once: next time the update may be lost"},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 15, Min: 1, Max: 3600, Unit: "s", Doc: "how long to wait for a probe at least; three RTO if that is longer, or two and a half intervals of probes that came before"},
	},
	StartsOn:     fsm.On(fsm.WindowShut),
	SubscribesTo: fsm.On(fsm.WindowShut, fsm.WindowOpened, fsm.Probed, fsm.Advanced, fsm.ResetSent, fsm.Revived, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(zeroWindowDeadlock) },
	YieldsTo:     []string{"zero-window-probe-loop"},
}

// zeroWindowDeadlock holds one wait per direction, by the side that waits.
type zeroWindowDeadlock struct {
	sides   [2]shutOut
	contact contact
}

func (w *zeroWindowDeadlock) Event(ev fsm.Event, r *detectors.Report) {
	own, peer := &w.sides[ev.Side], &w.sides[ev.Side.Peer()]
	switch ev.Kind {
	case fsm.WindowShut:
		if _, over := r.Old.ResetBy(); over { // it crossed the RST, and nobody is left to ask
			return
		}
		peer.begin(ev.Seg, r.Old.LastSent(ev.Side.Peer()), r)
		r.WakeAt(peer.deadline(ev.Side.Peer(), r))
	case fsm.WindowOpened:
		peer.opened(ev.Seg, ev.Side.Peer(), r)
	case fsm.Probed:
		own.asked(ev.Seg, ev.Side, r)
	case fsm.Advanced: // the receiver went on taking data
		own.again(ev.Seg.At, ev.Side, r)
	case fsm.ResetSent:
		own.cut(ev.Seg.At, ev.Side, r)
		peer.cut(ev.Seg.At, ev.Side.Peer(), r)
	case fsm.Sent:
		w.heard(ev, r)
	}
}

// heard takes any segment, after the other events that it brought.
func (w *zeroWindowDeadlock) heard(ev fsm.Event, r *detectors.Report) {
	if ev.Class == fsm.OutOfWindow || ev.Class == fsm.Rst {
		return
	}
	own := &w.sides[ev.Side]
	w.contact.heard(ev)
	switch {
	case ev.Seg.SeqLen() > 0 && ev.Class != fsm.Probe:
		own.wentOn(ev.Seg, w.contact.asked[ev.Side.Peer()], ev.Side, r)
	case ev.Class == fsm.KeepAlive:
		own.again(ev.Seg.At, ev.Side, r) // a probe, if the sender does not know that the window is open
	}
}

// Due tells what is overdue; a late probe takes it back.
func (w *zeroWindowDeadlock) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		s := &w.sides[side]
		if !s.open || s.told {
			continue
		}
		if at := s.deadline(side, r); at > now {
			r.WakeAt(at)
		} else {
			w.tell(side, at, now, r)
		}
	}
}

func (w *zeroWindowDeadlock) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if s := &w.sides[side]; s.open {
			w.tell(side, min(s.deadline(side, r), e.At), e.At, r)
		}
	}
}

// tell reports the wait of side as things stand at trace time now.
func (w *zeroWindowDeadlock) tell(side reassembly.Side, at, now int64, r *detectors.Report) {
	s := &w.sides[side]
	f, ok := s.finding(at, now, side, r)
	if !ok {
		if s.told { // as of the end it could not be said
			s.told = false
			r.Withdraw(s.shut.File, s.shut.Frame)
		}
		return
	}
	w.contact.doubt(&f, side, now, r)
	s.told = true
	r.Emit(f)
}
