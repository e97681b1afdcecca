package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An episode is one time that a receiver's window was closed while its peer had
// something to send.
type episode struct {
	anchor       detectors.Evidence // the segment that closed the window
	probes       int
	answered     int
	unanswered   bool               // the last probe, so far
	silent       int                // last probes that met no segment of the receiver at all
	silentSince  int64              // when the first of these was sent
	first        int64              // first interval between probes, nanoseconds
	interval     int64              // the last
	last         reassembly.Segment // the last probe
	form         string
	proberLast   int64 // when the prober last sent anything
	receiverLast int64 // when the receiver did
	replaced     bool  // ended by a new connection on the four-tuple
	why          blockage
	trail        trail
}

// A trail keeps the first and the last frames that show how an episode went.
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

// probe counts a probe. One that comes again sooner than any timer fires is a copy that nothing shows
// to be one: IPv6, or text.
func (e *episode) probe(seg *reassembly.Segment, form string) {
	if e.probes > 0 && seg.At-e.last.At <= int64(fsm.DuplicateTime) && seg.Seq == e.last.Seq && seg.Len == e.last.Len {
		return
	}
	if e.probes == 0 {
		e.form = form
	} else {
		e.interval = seg.At - e.last.At
	}
	if e.probes == 1 {
		e.first = e.interval
	}
	if e.silent == 0 {
		e.silentSince = seg.At
	}
	e.probes++
	e.silent++
	e.unanswered = true
	e.last = *seg
	e.proberLast = seg.At
	e.trail.add("probe", seg)
}

// fromReceiver notes any segment of the receiver while its window is closed. It
// answers the last probe if it acknowledges SND.UNA, or the probe's byte, and shows
// window 0. Linux answers at most twice a second, so one unanswered probe says little.
func (e *episode) fromReceiver(seg *reassembly.Segment, acksUna bool) {
	e.receiverLast = seg.At
	e.silent = 0
	e.why.note(seg)
	if e.unanswered && acksUna && seg.Window == 0 {
		e.unanswered = false
		e.answered++
		e.trail.add("answer, window still closed", seg)
	}
}

// answeredByRST reports whether the receiver's RST answers the last probe, which
// nothing had answered: the receiver came back without the connection (the note in
// Q117317).
func (e *episode) answeredByRST(rst *reassembly.Segment, rtt time.Duration) bool {
	last := reassembly.MarkOf(&e.last)
	return e.unanswered && answeredBy(rst, &last, rtt)
}

// answeredBy reports whether a RST answers the other side's last segment.
func answeredBy(rst *reassembly.Segment, last *reassembly.Mark, rtt time.Duration) bool {
	a := reassembly.MarkOf(rst)
	return rst.At-last.At <= int64(max(2*rtt, minAnswerTime)) && detectors.Answers(&a, last)
}

// roleAnswers is the role of a RST without ACK that answers something else than a probe, as
// a host without the connection does.
const roleAnswers = "RST in answer to the sender's last segment"

// giveUpTime is how long the prober must be silent to have given up.
func (e *episode) giveUpTime() int64 {
	return max(int64(detectors.MinSilence), int64(detectors.GiveUpFactor*float64(e.interval)))
}

// goneTime is how long the receiver must be silent to be gone.
func (e *episode) goneTime() int64 { return max(int64(detectors.MinSilence), e.interval) }

// nextChange is when after now silence alone next changes the outcome.
func (e *episode) nextChange(now int64, r *detectors.Report) int64 {
	gone, gaveUp := e.silentSince+e.goneTime(), e.proberLast+e.giveUpTime()
	if e.silent >= int(r.Value("min-silent")) && gone > now {
		return min(gone, gaveUp)
	}
	return gaveUp
}

// outcome is the outcome as of trace time now, with the window still closed.
func (e *episode) outcome(now int64, r *detectors.Report) *detectors.Outcome {
	switch {
	case e.replaced, now-e.proberLast >= e.giveUpTime():
		return gaveUp
	case e.silent >= int(r.Value("min-silent")) && now-e.silentSince >= e.goneTime():
		return ghosted
	}
	return stalled
}

// silence is how long the receiver has been silent, counted from the first probe that
// it left unanswered.
func (e *episode) silence(at int64) int64 {
	if e.silent == 0 {
		return 0
	}
	return at - e.silentSince
}

// finding is the episode of the prober as it stands at trace time at, or as the
// segment by ended it.
func (e *episode) finding(outcome *detectors.Outcome, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) detectors.Finding {
	evidence := []detectors.Evidence{e.anchor}
	for _, t := range e.trail.all() {
		if t.Seg.Frame != e.anchor.Seg.Frame || t.Seg.File != e.anchor.Seg.File {
			evidence = append(evidence, t)
		}
	}
	if by != nil {
		evidence = append(evidence, *by)
	}
	receiver := prober.Peer()
	f := r.Find(outcome, receiver, at, evidence...)
	if by == nil {
		f.States = r.StatesNow(at)
	}
	f.End = at
	f.Roles = detectors.Roles("prober", prober, "receiver")
	f.Measure("probes", e.probes)
	f.Measure("answered", e.answered)
	f.Measure("unanswered", e.probes-e.answered)
	f.Measure("form", e.form)
	f.Measure("first_interval_s", detectors.Seconds(e.first))
	f.Measure("last_interval_s", detectors.Seconds(e.interval))
	f.Measure("backoff", detectors.Backoff(e.first, e.interval, e.probes))
	f.Measure("duration_s", detectors.Seconds(at-e.anchor.Seg.At))
	f.Measure("silence_s", detectors.Seconds(e.silence(at)))
	f.Measure("episodes", 1)
	f.Message = e.message(outcome, at, by, prober, r)
	f.Peers = e.peers()
	if closed := at - e.anchor.Seg.At; outcome == stalled {
		if closed < int64(briefStall) {
			f.Severity = detectors.Warning
		}
		e.why.advise(&f, closed)
	} else if outcome != ghosted && outcome != reset { // the receiver was there, and its window closed
		e.why.advise(&f, int64(briefStall))
	}
	switch {
	case outcome == ghosted:
		r.Absence(&f, e.receiverLast)
	case outcome == gaveUp && by == nil && !e.replaced:
		r.Absence(&f, e.proberLast)
	}
	return f
}

func (e *episode) message(outcome *detectors.Outcome, at int64, by *detectors.Evidence, prober reassembly.Side, r *detectors.Report) string {
	sender, receiver := r.Name(prober), r.Name(prober.Peer())
	probed := fmt.Sprintf("%s probed it %s in %s", sender, detectors.Times(e.probes), detectors.Span(at-e.anchor.Seg.At))
	m := fmt.Sprintf("%s closed its window (frame %d). %s", receiver, e.anchor.Seg.Frame, probed)
	if e.anchor.Seg.Src == r.Conn.Endpoint(prober) {
		m = fmt.Sprintf("%s had closed its window before the capture began. %s, from frame %d on", receiver, probed, e.anchor.Seg.Frame)
	}
	m += e.answers()
	switch outcome {
	case ghosted:
		m += fmt.Sprintf(" %s has been silent for %s, through the last %d probes: it is unreachable, and %s keeps probing.",
			receiver, detectors.Span(e.silence(at)), e.silent, sender)
	case stalled:
		closed := at - e.anchor.Seg.At
		m += fmt.Sprintf(" The window was still closed when the capture ended, after %s.", detectors.Span(closed)) + e.why.sentence(receiver, sender, closed)
	case reset:
		what := "a probe"
		if by.Role == roleAnswers {
			what = sender + "'s last segment"
		}
		m += fmt.Sprintf(" Then %s answered %s with RST (frame %d): it is back, but without the connection.", receiver, what, by.Seg.Frame)
	case aborted:
		m += fmt.Sprintf(" Then %s ended the connection with a RST that answers no probe (frame %d): its application was closed or killed.", receiver, by.Seg.Frame)
	case gaveUp:
		switch {
		case by != nil:
			m += fmt.Sprintf(" Then %s gave up with RST (frame %d).", sender, by.Seg.Frame)
		case e.replaced:
			m += " Then a new connection took its ports."
		default:
			m += fmt.Sprintf(" Then %s gave up: it has sent nothing for %s.", sender, detectors.Span(at-e.proberLast))
		}
	case recovered:
		m += fmt.Sprintf(" Then the window opened again (frame %d).", by.Seg.Frame)
	}
	if quiet := e.last.At - e.silentSince; e.silent > 0 && quiet > int64(userTimeout) {
		m += fmt.Sprintf(" Probing went on for %s without any answer, past the 100 s of RFC 1122 4.2.3.5 (R2): the bug fixed after Windows NT 3.1 (KB Q117317).",
			detectors.Span(quiet))
	}
	return m
}

// answers says how many of the probes were answered.
func (e *episode) answers() string {
	switch e.answered {
	case 0:
		return "; no probe was answered."
	case e.probes:
		return "; each probe was answered with window 0."
	}
	return fmt.Sprintf("; %s answered with window 0, %d not.", detectors.Counted(uint32(e.answered), "probe was", "probes were"), e.probes-e.answered)
}

// peers says what Wireshark makes of the probes, by its own rules: a keep-alive is
// whatever lies one below NXT, a probe is one byte at NXT while the window is 0, and
// anything else is a retransmission or goes unnamed.
func (e *episode) peers() string {
	frames := fmt.Sprintf("frame %d", e.last.Frame)
	if first := e.trail.head[0].Seg.Frame; first != e.last.Frame {
		frames = fmt.Sprintf("frames %d to %d", first, e.last.Frame)
	}
	switch e.form {
	case emptyBelowUna, byteBelowUna:
		return "Wireshark calls the probes in " + frames + " Keep-Alive, because it does not look at the peer's window."
	case byteAtNxt:
		return "Wireshark correctly calls the probes in " + frames + " ZeroWindowProbe, but does not say how the loop ends."
	}
	return "Wireshark calls the probes in " + frames + " retransmissions, or nothing at all: it recognises only probes of a single byte."
}

// A recovery is one or more episodes in quick succession, after each of which the
// window opened again.
type recovery struct {
	episode  episode // the first, with the counts of all
	episodes int
	shut     int64 // nanoseconds that the window was closed, in all
	end      int64
}

// message is about several episodes, the last of which ended with the given frame.
func (m *recovery) message(last uint32, prober reassembly.Side, r *detectors.Report) string {
	e, receiver := &m.episode, r.Name(prober.Peer())
	closed := fmt.Sprintf("%s closed its window %s from frame %d on", receiver, detectors.Times(m.episodes), e.anchor.Seg.Frame)
	if e.anchor.Seg.Src == r.Conn.Endpoint(prober) {
		closed = fmt.Sprintf("%s had closed its window before the capture began, and then closed it %s more", receiver, detectors.Times(m.episodes-1))
	}
	return fmt.Sprintf("%s, for %s of the next %s. Meanwhile %s probed it %s%s Each time the window opened again (the last time in frame %d).",
		closed, detectors.Span(m.shut), detectors.Span(m.end-e.anchor.Seg.At), r.Name(prober), detectors.Times(e.probes), e.answers(), last)
}

// join adds a later episode.
func (m *recovery) join(e *episode) {
	m.episode.probes += e.probes
	m.episode.answered += e.answered
	m.episode.interval = e.interval
	m.episode.last = e.last
	m.episode.silent, m.episode.silentSince = e.silent, e.silentSince
	m.episode.proberLast, m.episode.receiverLast = e.proberLast, e.receiverLast
}
