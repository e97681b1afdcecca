package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An episode is one time that a receiver's window was closed while its peer
// had something to send.
type episode struct {
	opened   detectors.Evidence // the anchor: the segment that closed the window
	probes   int
	answered int
	silent   int   // last probes that met no segment of the receiver at all
	quiet    int64 // when the first of these was sent
	waiting  bool  // the last probe has not been answered yet
	first    int64 // first and last interval between probes, nanoseconds
	interval int64
	last     reassembly.Segment // the last probe
	form     string
	sender   int64 // last segment of the prober
	receiver int64 // last segment of the receiver
	replaced bool  // ended by a new connection on the four-tuple
	trail    trail
}

// trail keeps the first and the last telling frames of an episode.
type trail struct {
	head []detectors.Evidence
	tail [4]detectors.Evidence
	n    int // all that were added
}

const trailHead = 4

func (t *trail) add(role string, seg *reassembly.Segment) {
	if t.n < trailHead {
		t.head = append(t.head, detectors.Evidence{Role: role, Seg: *seg})
	} else {
		t.tail[t.n%len(t.tail)] = detectors.Evidence{Role: role, Seg: *seg}
	}
	t.n++
}

func (t *trail) all() []detectors.Evidence {
	all := append([]detectors.Evidence(nil), t.head...)
	for i := max(trailHead, t.n-len(t.tail)); i < t.n; i++ {
		all = append(all, t.tail[i%len(t.tail)])
	}
	return all
}

// probe counts a probe.
func (e *episode) probe(seg *reassembly.Segment, form string) {
	switch e.probes {
	case 0:
		e.form = form
	case 1:
		e.first = seg.At - e.last.At
		fallthrough
	default:
		e.interval = seg.At - e.last.At
	}
	if e.silent == 0 {
		e.quiet = seg.At
	}
	e.probes++
	e.silent++
	e.waiting = true
	e.last = *seg
	e.sender = seg.At
	e.trail.add("probe", seg)
}

// The forms of a probe, as the metric names them.
const (
	emptyBelowUna = "empty-below-una" // Linux
	byteBelowUna  = "byte-below-una"
	byteAtNxt     = "byte-at-nxt" // BSD, Windows, NT
	wholeSegment  = "segment"     // what did not fit, or was in flight
)

// formOf names the form of a probe.
func formOf(seg *reassembly.Segment, prober reassembly.Side, r *detectors.Report) string {
	m := reassembly.MarkOf(seg)
	if seg.Len == 1 && r.Old.Below(prober, &m) {
		return byteBelowUna
	}
	return ambiguousForm(seg)
}

// receiverSpoke takes any segment of the receiver while its window is closed.
// It answers the last probe if it acknowledges SND.UNA, or the probe's byte,
// and shows window 0. Linux answers twice a second at most, so that a single
// unanswered probe says little.
func (e *episode) receiverSpoke(seg *reassembly.Segment, acksUna bool) {
	e.receiver = seg.At
	e.silent = 0
	if e.waiting && acksUna && seg.Window == 0 {
		e.waiting = false
		e.answered++
		e.trail.add("answer, window still closed", seg)
	}
}

// answeredByRST says whether the receiver's RST answers the last probe, which
// nothing had answered: the receiver came back without the connection
// (Q117317's note).
func (e *episode) answeredByRST(rst *reassembly.Segment, rtt time.Duration) bool {
	a, b := reassembly.MarkOf(rst), reassembly.MarkOf(&e.last)
	return e.waiting && rst.At-e.last.At <= int64(max(2*rtt, minAnswerTime)) && fsm.Answers(&a, &b)
}

// patience is how long the prober may be silent before it has given up.
func (e *episode) patience() int64 {
	return max(int64(detectors.MinSilence), int64(detectors.GiveUpFactor*float64(e.interval)))
}

// nextTurn is when after now the episode, left alone, next changes its outcome.
func (e *episode) nextTurn(now int64, r *detectors.Report) int64 {
	gone, gaveUp := e.quiet+e.enough(), e.sender+e.patience()
	if e.silent >= int(r.Value("min-silent")) && gone > now {
		return min(gone, gaveUp)
	}
	return gaveUp
}

// enough is how much silence shows that the receiver is gone.
func (e *episode) enough() int64 { return max(int64(detectors.MinSilence), e.interval) }

// standing is the outcome as of trace time now, with the window still closed.
func (e *episode) standing(now int64, r *detectors.Report) string {
	switch {
	case e.replaced, now-e.sender >= e.patience():
		return "gave-up"
	case e.silent >= int(r.Value("min-silent")) && now-e.quiet >= e.enough():
		return "ghosted"
	}
	return "stalled"
}

// finding tells the episode.
func (e *episode) finding(outcome string, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) detectors.Finding {
	evidence := []detectors.Evidence{e.opened}
	for _, t := range e.trail.all() {
		if t.Seg.Frame != e.opened.Seg.Frame || t.Seg.File != e.opened.Seg.File {
			evidence = append(evidence, t)
		}
	}
	if by != nil {
		evidence = append(evidence, *by)
	}
	receiver := prober.Peer()
	f := r.FindNamed(outcome, receiver, at, evidence...)
	if by == nil {
		f.States = r.StatesNow(at)
	}
	f.End = at
	f.Roles = []detectors.Role{{Name: "prober", Side: prober}, {Name: "receiver", Side: receiver}}
	f.Measure("probes", e.probes)
	f.Measure("answered", e.answered)
	f.Measure("unanswered", e.probes-e.answered)
	f.Measure("form", e.form)
	f.Measure("first_interval_s", detectors.Seconds(e.first))
	f.Measure("last_interval_s", detectors.Seconds(e.interval))
	f.Measure("backoff", detectors.Backoff(e.first, e.interval, e.probes))
	f.Measure("duration_s", detectors.Seconds(at-e.opened.Seg.At))
	f.Measure("silence_s", detectors.Seconds(e.silence(at)))
	f.Measure("episodes", 1)
	f.Message = e.message(outcome, at, by, prober, r)
	f.Peers = e.peers()
	switch {
	case outcome == "ghosted":
		r.Absence(&f, e.receiver)
	case outcome == "gave-up" && by == nil && !e.replaced:
		r.Absence(&f, e.sender)
	}
	return f
}

// peers says what Wireshark makes of the probes, by its own rules: a keep-alive
// is whatever lies one below NXT, a probe is one byte at NXT while the window is
// 0, and anything else is a retransmission or goes unnamed.
func (e *episode) peers() string {
	span := fmt.Sprintf("frame %d", e.last.Frame)
	if first := e.trail.head[0].Seg.Frame; first != e.last.Frame {
		span = fmt.Sprintf("frames %d to %d", first, e.last.Frame)
	}
	switch e.form {
	case emptyBelowUna, byteBelowUna:
		return "Wireshark calls the probes of " + span + " Keep-Alive, because it does not look at the peer's window."
	case byteAtNxt:
		return "Wireshark calls the probes of " + span + " ZeroWindowProbe, as they are, and does not say how that ends."
	}
	return "Wireshark calls the probes of " + span + " retransmissions or nothing at all: to it only a single byte is a probe."
}

// silence is how long the receiver has said nothing, counted from the first
// probe that it left unanswered.
func (e *episode) silence(at int64) int64 {
	if e.silent == 0 {
		return 0
	}
	return at - e.quiet
}
