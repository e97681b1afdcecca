package closing

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ForgedFIN reports a FIN that the side whose address it has did not send: that side
// continues as if there were none. RFC 9293 3.4; RFC 5961 5.
var ForgedFIN = &detectors.Detector{
	Name: "forged-fin",
	Doc: detectors.Doc{
		Title: "a FIN was not its sender's own; the connection stays open",
		What: "A FIN with the source address of one side, at or beyond its next sequence number. Later, that side answers its peer with empty " +
			"segments whose sequence number is still at or below the FIN. After a FIN of its own they would lie beyond it, because a FIN takes a " +
			"sequence number (RFC 9293 3.4). One such answer is enough if the FIN does not fit the side by TTL or IP identification; else two are.",
		Cause: "Somebody on the path, or somebody who guessed the sequence number, wants to end the connection: an intrusion prevention " +
			"system, a filter, an attacker. Or a middlebox closes connections in the name of a host that it does not tell.",
		Action: "Compare the TTL, the IP identification and the link-layer address of the FIN with those of the side whose address it has, then capture " +
			"closer to that side: if the FIN does not appear there, it was made on the path. Use TLS: it notices a stream that was cut short.",
		NotThis: "Segments from before the FIN that arrive after it, data that is sent again, keep-alives and window probes: they lie at or below the FIN, too. What the side sends from behind the FIN right after them confirms it. " +
			"A sender that continues with data beyond its FIN: its sequence space is broken.",
		Peers: "Wireshark shows the FIN like any other, and \"Previous segment not captured\" or retransmissions after it. Zeek and Ostermann's tcptrace count it as a close.",
		Refs:  []string{"RFC 9293 3.4", "RFC 9293 3.10.4", "RFC 5961 5"},
		Since: "0.3",
	},
	Outcomes:     []*detectors.Outcome{finIgnored, finAccepted},
	StartsOn:     fsm.On(fsm.SentBelowFin),
	SubscribesTo: fsm.On(fsm.SentBelowFin, fsm.FinDenied, fsm.FinConfirmed, fsm.FinAcked, fsm.FinResent, fsm.FinWithdrawn, fsm.FinSent, fsm.Advanced),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(forgedFIN) },
}

var (
	finIgnored = &detectors.Outcome{Name: "ignored", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the peer never acknowledged the FIN, or took what came after it as well"}
	finAccepted = &detectors.Outcome{Name: "accepted", Severity: detectors.Warning, Fault: detectors.FaultPath,
		When: "the peer acknowledged the FIN: its application takes the stream for complete, and what the side sends now is lost",
		Cause: "Somebody who can see the connection, or who guessed its sequence number, ended it in one direction: an intrusion prevention system, a " +
			"filter, a middlebox that closes connections in the name of a host that it does not tell, an attacker."}
)

// causeForgedAnswer is the cause where the FIN comes with payload.
const causeForgedAnswer = "Somebody who can see the connection answered in the name of the host, before it did, and closed: a filter or a provider that sends a block page or a redirect, a middlebox that inserts its own content, an attacker. " +
	"The forged payload may have reached the application."

// forgedFIN follows the FIN of each side that something below it came after.
type forgedFIN struct {
	sides [2]deniedFIN
}

type deniedFIN struct {
	fin    reassembly.Mark // At is 0 if the FIN is not followed
	denial [2]reassembly.Mark
	n      int             // denials
	fins   int             // that were withdrawn
	acked  bool            // the peer acknowledged it
	more   reassembly.Mark // with which it acknowledged what came after the FIN, too; At is 0 if it did not
}

func (w *forgedFIN) Event(ev fsm.Event, r *detectors.Report) {
	d := &w.sides[ev.Side]
	switch ev.Kind {
	case fsm.SentBelowFin:
		if d.fins == 0 && d.fin.At == 0 {
			d.fin = *ev.Was
			switch r.Before[ev.Side.Peer()] {
			case fsm.CloseWait, fsm.LastAck, fsm.Closing, fsm.TimeWait:
				d.acked = true
			}
		}
	case fsm.FinDenied:
		d.denial[min(d.n, 1)] = reassembly.MarkOf(ev.Seg)
		d.n++
	case fsm.FinConfirmed:
		d.n = 0
	case fsm.FinSent, fsm.FinResent: // its own, or another that is not; or once more
		if d.fins == 0 {
			*d = deniedFIN{}
		}
	case fsm.FinAcked:
		d.acked = true
	case fsm.FinWithdrawn:
		d.fins++
		w.report(ev.Side, ev.Seg.At, r)
	case fsm.Advanced:
		if d.fins > 0 && d.acked && d.more.At == 0 && ev.Seg.Ack.After(d.fin.End()) {
			d.more = reassembly.MarkOf(ev.Seg)
			w.report(ev.Side, ev.Seg.At, r)
		}
	}
}

func (w *forgedFIN) End(e detectors.Ending, r *detectors.Report) {
	for side := range reassembly.Side(2) {
		if d := &w.sides[side]; d.n > 0 && d.fins == 0 && d.fin.At != 0 && r.Conn.Phase(side) >= fsm.PhaseFinSent {
			w.report(side, e.At, r)
		}
	}
}

func (w *forgedFIN) report(side reassembly.Side, at int64, r *detectors.Report) {
	d, peer := &w.sides[side], side.Peer()
	if d.n == 0 || d.fin.At == 0 {
		return
	}
	outcome := finIgnored
	if d.acked && d.more.At == 0 {
		outcome = finAccepted
	}
	own, other := r.Name(side), r.Name(peer)
	evidence := []detectors.Evidence{r.Evidence("FIN in the name of "+own, side, &d.fin), r.Evidence("sent as if there were no FIN", side, &d.denial[0])}
	if d.n > 1 {
		evidence = append(evidence, r.Evidence("sent as if there were no FIN", side, &d.denial[1]))
	}
	if d.more.At != 0 {
		evidence = append(evidence, r.Evidence("what came after the FIN acknowledged", peer, &d.more))
	}
	f := r.Find(outcome, side, at, evidence...)
	f.States = r.StatesNow(at)
	f.End = evidence[len(evidence)-1].Seg.At
	f.Roles = detectors.Roles("impersonated", side, "target")
	f.Measure("fins", max(d.fins, 1))
	f.Measure("denials", d.n)
	f.Measure("ttl", int(d.fin.TTL))
	f.Measure("ttl_host", int(d.denial[0].TTL))
	f.Message = fmt.Sprintf("A FIN with the source address %s (frame %d) is not its own: after it, %[1]s still sends from at or below the FIN (frame %[3]d).", own, d.fin.Frame, d.denial[0].Frame)
	if d.n > 1 {
		f.Message += fmt.Sprintf(" It did so %s.", detectors.Times(d.n))
	}
	if d.fin.TTL != d.denial[0].TTL {
		f.Message += fmt.Sprintf(" The FIN has TTL %d, %s has %d.", d.fin.TTL, own, d.denial[0].TTL)
	}
	if d.fin.Len > fsm.Padding {
		f.Cause = causeForgedAnswer
		f.Message += fmt.Sprintf(" It carries %d bytes of payload", d.fin.Len)
		if d.acked {
			f.Message += fmt.Sprintf(", which %s acknowledged in place of what %s sends there", other, own)
		}
		f.Message += "."
	}
	switch {
	case d.more.At != 0:
		f.Message += fmt.Sprintf(" %s acknowledged the FIN, but what came after it as well (frame %d): the connection stays open.", other, d.more.Frame)
	case outcome == finAccepted:
		f.Message += fmt.Sprintf(" %s acknowledged the FIN, and takes the stream for complete.", other)
	default:
		f.Message += " The connection stays open."
	}
	switch {
	case f.Limits&fsm.SeqUnknown != 0 && d.denial[0].Len == 0:
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, and those of what contradicts the FIN are guessed")
	case d.fins == 0 && d.fin.TTL != d.denial[0].TTL:
		f.Undecide("only one segment contradicts the FIN, and its sender's segments come with more than one TTL")
	case d.fins == 0:
		f.Undecide("only one segment contradicts the FIN, which fits its sender by TTL and IP identification")
	}
	r.Emit(f)
}
