package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SmallWindow reports windows that are open and yet too small for a segment:
// nobody fills them, or everybody does, again and again. RFC 9293 3.8.6.2.
var SmallWindow = &detectors.Detector{
	Name: "small-window",
	Doc: detectors.Doc{
		Title: "a window too small for one segment holds the connection up",
		What: "The receiver advertises a window of some bytes, less than a full segment. Either the sender, which has more to send, waits " +
			"for a larger one and sends nothing (frozen); or it fills each such window as it comes, and a stream of small " +
			"segments does the work of a few large ones (silly window syndrome).",
		Cause: "A receive buffer smaller than the MSS that goes with it (SO_RCVBUF set to a few hundred bytes, embedded stacks), or an application that reads in " +
			"dribbles from a full buffer while its TCP announces every byte: RFC 9293 3.8.6.2.2 has a receiver wait for a full " +
			"segment's room.",
		Action: "Give the receiving socket a buffer of several segments, or let it announce a smaller MSS; look at why its application reads so little at a time.",
		NotThis: "Small segments before a large window: that is the application, or Nagle. A window that is small for a moment while data " +
			"fills it. A window of 0 (zero-window-probe-loop, zero-window-deadlock). A window whose scale is unknown.",
		Peers: "Wireshark says Window Full at each of them, as at any other window, and knows no silly window.",
		Refs:  []string{"RFC 9293 3.8.6.2", "RFC 1122 4.2.3.3", "RFC 1122 4.2.3.4", "RFC 813"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "frozen", Severity: detectors.Critical, When: "the sender has more to send and does not use the window, and it stays as it is",
			Cause: "The receiver leaves a few bytes open and does not read on; the sender's TCP avoids small segments, as it must, but lacks " +
				"the override timer (RFC 9293 3.8.6.2.1 asks for 0.1 to 1 s) that sends what fits. Each waits for the other.",
			Action: "Look at the receiving application first: why does it not read? Then at the sender's stack, which should have filled the window and probed it."},
		{Name: "silly", Severity: detectors.Warning, When: "segment after segment fills a window that is smaller than a segment"},
	},
	Params: []detectors.Param{
		{Name: "patience", Default: 15, Min: 1, Max: 3600, Unit: "s", Doc: "how long a small window must stay unused to be frozen at least; three RTO if that is longer"},
		{Name: "min-fills", Default: 10, Min: 2, Max: 100000, Unit: "", Doc: "small windows filled in a row that make a silly window"},
	},
	StartsOn:     fsm.On(fsm.WindowSmall),
	SubscribesTo: fsm.On(fsm.WindowSmall, fsm.DataSent, fsm.DataResent, fsm.ResetSent, fsm.Sent),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(smallWindow) },
}

// smallWindow holds one account per side that sends into small windows.
type smallWindow struct {
	sides   [2]squeeze
	contact contact
}

// A squeeze is what one side makes of its peer's small windows.
type squeeze struct {
	ice  frost
	fill filling
}

// A frost is a small window that nobody uses.
type frost struct {
	open  bool
	told  bool
	small reassembly.Mark // the anchor: the segment that left the window so
	size  uint32
	since int64
}

// A filling is a row of small windows that were filled.
type filling struct {
	first reassembly.Mark // the anchor
	last  reassembly.Mark
	fills int
	bytes uint64
	told  bool
}

func (w *smallWindow) Event(ev fsm.Event, r *detectors.Report) {
	own := &w.sides[ev.Side]
	switch ev.Kind {
	case fsm.DataSent, fsm.DataResent:
		own.ice.used(r)
		own.fill.sent(ev, r)
	case fsm.ResetSent:
		w.sides[0].ice.open, w.sides[1].ice.open = false, false
	case fsm.Sent:
		if ev.Class != fsm.OutOfWindow && ev.Class != fsm.Rst {
			w.contact.heard(ev)
			w.sides[ev.Side.Peer()].offered(ev.Seg, ev.Side.Peer(), r)
		}
	}
}

// offered takes a segment of the receiver, after the other events that it
// brought.
func (s *squeeze) offered(seg *reassembly.Segment, side reassembly.Side, r *detectors.Report) {
	receiver := side.Peer()
	if !r.Old.WindowSmall(receiver) {
		s.ice.open = false
		if !r.Old.WindowShut(receiver) {
			s.fill.over()
		}
		return
	}
	switch size := r.Old.Window(receiver); {
	case s.ice.told: // one is enough
		s.ice.open = s.ice.open && size == s.ice.size
	case !s.ice.open || size != s.ice.size:
		s.ice = frost{open: true, small: reassembly.MarkOf(seg), size: size, since: seg.At}
		r.WakeAt(s.ice.deadline(side, r))
	}
}

// deadline is when the sender should have sent what fits: a timer of 0.1 to 1 s
// overrides its patience (RFC 9293 3.8.6.2.1), or its persist timer does, 5 s in
// BSD.
func (s *frost) deadline(side reassembly.Side, r *detectors.Report) int64 {
	return s.since + max(int64(r.Value("patience")*float64(time.Second)), 3*int64(r.Old.RTO(side)))
}

// used takes payload of the sender: the window is not frozen, or not any more.
func (s *frost) used(r *detectors.Report) {
	if s.open && s.told {
		s.told = false
		r.Withdraw(s.small.File, s.small.Frame)
	}
	s.open = false
}

// sent takes payload: does it fill a small window?
func (f *filling) sent(ev fsm.Event, r *detectors.Report) {
	receiver := ev.Side.Peer()
	if ev.Kind != fsm.DataSent || !r.Old.WindowFilled(ev.Side) || !r.Old.WindowSmall(receiver) {
		return
	}
	f.last = reassembly.MarkOf(ev.Seg)
	f.fills++
	f.bytes += uint64(ev.Seg.Len)
	switch n := int(r.Value("min-fills")); {
	case f.fills == 1:
		f.first = f.last
	case f.fills >= n:
		f.told = true
		f.tell(ev.Side, r)
	}
}

// over ends a row: the receiver offers room for a segment.
func (f *filling) over() {
	if !f.told {
		*f = filling{}
	}
}

// Due tells of windows that have been left unused for too long.
func (w *smallWindow) Due(now int64, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		s := &w.sides[side].ice
		if !s.open || s.told {
			continue
		}
		if at := s.deadline(side, r); at > now {
			r.WakeAt(at)
		} else {
			s.tell(at, now, side, &w.contact, r)
		}
	}
}

func (w *smallWindow) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if s := &w.sides[side].ice; s.open {
			s.tell(min(s.deadline(side, r), e.At), e.At, side, &w.contact, r)
		}
	}
}

// tell reports a window that stays as it is at trace time now, if the sender has
// more to send: what is in flight would be another matter.
func (s *frost) tell(at, now int64, side reassembly.Side, c *contact, r *detectors.Report) {
	if at < s.deadline(side, r) || !r.Old.HoldsBack(side) || r.Old.Stream(side).InFlight() > 0 {
		return
	}
	s.told = true
	own, peer := r.Name(side), r.Name(side.Peer())
	f := r.FindNamed("frozen", side, at, r.Evidence("window left small", side.Peer(), &s.small))
	f.States, f.End = r.StatesNow(now), now
	f.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	f.Measure("window", int(s.size))
	f.Measure("mss", int(r.Old.MSS(side.Peer())))
	f.Measure("waited_s", detectors.Seconds(now-s.since))
	f.Message = fmt.Sprintf("%s left a window of %d bytes (frame %d), less than a segment of %d. In the %s after it %s, which has more to send as its last segment "+
		"came without PSH, did not use it, and %s did not open it further: each waits for the other.",
		peer, s.size, s.small.Frame, r.Old.MSS(side.Peer()), detectors.Span(now-s.since), own, peer)
	r.Absence(&f, s.since)
	c.doubt(&f, side, now, r)
	r.Emit(f)
}

// tell reports a row of small windows, each filled.
func (f *filling) tell(side reassembly.Side, r *detectors.Report) {
	own, peer, mss := r.Name(side), r.Name(side.Peer()), int(r.Old.MSS(side.Peer()))
	found := r.FindNamed("silly", side.Peer(), f.last.At,
		r.Evidence("fills a small window", side, &f.first), r.Evidence("fills a small window, the last", side, &f.last))
	took := f.last.At - f.first.At
	found.Roles = []detectors.Role{{Name: "sender", Side: side}, {Name: "receiver", Side: side.Peer()}}
	found.Measure("fills", f.fills)
	found.Measure("mean_bytes", int(f.bytes)/f.fills)
	found.Measure("mss", mss)
	found.Measure("duration_s", detectors.Seconds(took))
	found.Message = fmt.Sprintf("%s filled %d windows of %s, one by one, that were smaller than a segment of %d bytes (frames %d to %d): %d bytes each on average, in %s.",
		own, f.fills, peer, mss, f.first.Frame, f.last.Frame, int(f.bytes)/f.fills, detectors.Span(took))
	r.Emit(found)
}
