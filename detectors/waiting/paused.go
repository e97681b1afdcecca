package waiting

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Which pauses are in the middle of an answer.

// minPaused is how much of an answer must have been sent before a pause: a server that
// speaks now and then sends less.
const minPaused = 100_000

// maxPauses is in how many pauses an answer still only pauses: more of them are its rate, also if the first came before 100 kB.
const maxPauses = 2

// transfer reports an answer that paused. A pause ends a transfer, so that it shows
// between two.
func (w *slowResponse) transfer(t *detectors.Transfer, r *detectors.Report) {
	const server = reassembly.B
	_, known := r.Conn.Opener()
	long := t.Pause >= r.Nanos("min-response") && t.Pause <= r.Nanos("max-response")
	if !known || t.From != server || !long || t.Bytes < minPaused || t.Obscure() || services.Streams(r.Conn.Endpoint(server).Port) {
		return
	}
	if out := r.Conn.Stream(server); !out.Covered(t.Last.End()) {
		return
	}
	if len(w.pauses) == maxPauses || t.Pauses > maxPauses {
		w.open = false
		for i := range w.pauses {
			r.Withdraw(w.pauses[i].last.File, w.pauses[i].last.Frame)
		}
		return
	}
	sent, stood := max(t.Bytes, t.Answer), t.Relayed > 0 || r.SpokenFor(server) != ""
	f := r.Find(paused, server, t.Told, r.Evidence("last segment before the pause", server, &t.Last))
	f.Roles = detectors.Roles("server", server, "client")
	f.End = t.Last.At + t.Pause
	f.Measure("pause_s", detectors.Seconds(t.Pause))
	f.Measure("bytes", int(sent))
	f.Message = fmt.Sprintf("%s paused for %s in the middle of an answer, after %s (frame %d).", r.Name(server), detectors.Span(t.Pause), detectors.Size(sent), t.Last.Frame)
	if !stood && !t.Invisible {
		f.Message += " Everything was acknowledged, and the window was open: its application had nothing to send."
	}
	relayed(&f, t.Relayed, r)
	invisible(&f, t.Invisible)
	switch {
	case stood:
		f.Undecide("something seems to acknowledge for the server: loss or delay behind it looks the same")
	case t.Invisible:
		f.Undecide("the capture does not show whether the server sent something then that was lost before the capture point: a pause until a retransmission timeout looks the same")
	}
	w.pauses = append(w.pauses, pause{f, t.Last, t.First.Seq + reassembly.Seq(t.Bytes), t.Told})
	w.open = true
	w.resumed(t.Told, false, r)
}

// A pause is one in the middle of an answer, if the answer goes on.
type pause struct {
	found detectors.Finding
	last  reassembly.Mark // what was sent last before it
	end   reassembly.Seq  // of the answer by then
	over  int64           // when the server went on
}

// closesAtOnce is how soon, beyond a round trip, a side closes behind what it said last.
const closesAtOnce = 200 * time.Millisecond

// resumed reports the last pause, which is open, once the answer has gone on: with so much, no later than after another
// pause as long, that it is no message of its own, or with its end, behind which the server closes at once. Less than that
// before the client speaks or closes is no part of the answer: a goodbye, a reply to what another connection asked.
func (w *slowResponse) resumed(at int64, closes bool, r *detectors.Report) {
	p := &w.pauses[len(w.pauses)-1]
	out, least := r.Conn.Stream(reassembly.B), reassembly.Seq(r.Value("min-bytes"))
	if closes && at-p.over <= int64(r.Conn.RTT())+int64(closesAtOnce) {
		least = fsm.ShortPayload + 1 // and the FIN
	}
	switch late := at-p.over > p.over-p.last.At; {
	case late:
		w.open = false
	case !out.Nxt.Before(p.end + least):
		p.found.At = at
		r.Emit(p.found)
		w.open = false
	}
}

// goesOn follows what comes after a pause.
func (w *slowResponse) goesOn(ev fsm.Event, r *detectors.Report) {
	if !w.open {
		return
	}
	if w.open = ev.Side == reassembly.B; w.open {
		closes := ev.Kind == fsm.FinSent
		w.resumed(ev.Seg.At, closes, r)
		w.open = w.open && !closes
	}
}

// What slowResponse subscribes to, and what else while it is not known whether an answer goes on.
var (
	tells   = fsm.On(fsm.Answered, fsm.Transferred)
	follows = tells | fsm.On(fsm.DataSent, fsm.FinSent)
)

// subscribe asks for payload only after a pause.
func (w *slowResponse) subscribe(r *detectors.Report) {
	kinds := tells
	if w.open {
		kinds = follows
	}
	r.Subscribe(kinds)
}
