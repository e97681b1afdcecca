package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AckStorm reports two sides that answer each other's ACKs endlessly: each finds the
// other's sequence numbers unacceptable. RFC 9293 3.10.7.4.
var AckStorm = &detectors.Detector{
	Name:  "ack-storm",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "both sides answer each other's ACKs in a loop",
		What: "Both sides keep sending the same empty ACK, each in answer to the other's, as fast as the path allows. A TCP " +
			"answers an empty ACK only if it lies outside the window or acknowledges data that was never sent; here both do.",
		Cause: "The two ends disagree about the sequence numbers. Something sent data with one side's address (hijacking, an injecting " +
			"proxy), or a middlebox that rewrites sequence numbers (NAT with an application gateway, firewall, load balancer, sequence randomiser) " +
			"lost count, for example after a failover.",
		Action: "End the connection. Find the device on the path that changes payload or sequence numbers: did it fail over " +
			"or restart at that time? Compare captures from both sides of it. If there is no such device, suspect hijacking.",
		NotThis: "Duplicate ACKs, which answer data. Keep-alives and window probes, which come slowly. Frames that were captured twice. Hosts that " +
			"limit such answers (Linux: two per second): they loop, but there is no storm.",
		Peers: "Wireshark marks one side's ACKs as Dup ACK or Keep-Alive and counts them.",
		Refs:  []string{"RFC 9293 3.10.7.4", "RFC 5961 7"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{ackLoop},
	Params: []detectors.Param{
		{Name: "min-rate", Default: 20, Min: 2, Max: 1e6, Unit: "", Doc: "minimum number of ACKs within a second that answer ACKs, both sides together"},
	},
	StartsOn:     fsm.On(fsm.AckRepeated),
	SubscribesTo: fsm.On(fsm.AckRepeated),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(ackStorm) },
}

var ackLoop = &detectors.Outcome{Name: "loop", Severity: detectors.Warning, Fault: detectors.FaultSuspected, When: "ACKs answered ACKs, many per second"}

// ackStorm counts the ACKs that answer ACKs.
type ackStorm struct {
	second   int64           // start of the second that is being counted
	n        int             // in it
	from     reassembly.Mark // the first in it
	by       reassembly.Side // who sent that
	reported bool            // from is the anchor, and the count goes on
	answers  reassembly.Mark // what the first answers
	recent   [2]reassembly.Mark
	astray   reassembly.Side // whose ACKs do not lie where its data ended
	lost     bool            // there is such a side
	all      [2]int          // by side, since from
	peak     int
	last     int64
	next     int // the number at which it is reported again
}

func (w *ackStorm) Event(ev fsm.Event, r *detectors.Report) {
	at := ev.Seg.At
	if at-w.second >= int64(time.Second) || w.second == 0 {
		w.second, w.n = at, 0
		if !w.reported {
			w.from, w.by, w.answers = reassembly.MarkOf(ev.Seg), ev.Side, r.Conn.Last(ev.Side.Peer())
			w.all = [2]int{}
		}
	}
	w.recent[ev.Side] = reassembly.MarkOf(ev.Seg)
	w.n++
	w.all[ev.Side]++
	w.peak = max(w.peak, w.n)
	w.last = at
	switch n := w.all[0] + w.all[1]; {
	case !w.reported && w.n >= int(r.Value("min-rate")):
		w.reported = true
		w.place(r)
		fallthrough
	case w.reported && n >= w.next:
		w.next = 2 * n
		w.report(r)
	}
}

func (w *ackStorm) End(_ detectors.Ending, r *detectors.Report) {
	if w.reported {
		w.report(r)
	}
}

func (w *ackStorm) report(r *detectors.Report) {
	evidence := []detectors.Evidence{
		r.Evidence("ACK that answers an ACK", w.by, &w.from),
		r.Evidence("the ACK that it answers", w.by.Peer(), &w.answers),
	}
	for side := range reassembly.Side(2) {
		if m := &w.recent[side]; m.At != 0 && !detectors.SameFrame(m, &w.from) {
			evidence = append(evidence, r.Evidence("last such ACK from "+r.Name(side), side, m))
		}
	}
	culprit := w.astray
	f := r.Find(ackLoop, culprit, w.last, evidence...)
	f.End = w.last
	f.Roles = detectors.Roles("astray", culprit, "peer")
	f.Measure("acks", w.all[0]+w.all[1])
	f.Measure("acks_astray", w.all[culprit])
	f.Measure("peak_per_second", w.peak)
	f.Measure("duration_s", detectors.Seconds(w.last-w.from.At))
	f.Message = fmt.Sprintf("%s and %s answered each other's empty ACKs %d times in %s, up to %d per second, starting at frame %d: "+
		"each finds the other's sequence numbers unacceptable.",
		r.Name(w.by), r.Name(w.by.Peer()), w.all[0]+w.all[1], detectors.Span(w.last-w.from.At), w.peak, w.from.Frame)
	if w.lost {
		f.Message += fmt.Sprintf(" The ACKs of %s do not match the data sent from its address: another host sent data with this address, or a device changes its sequence numbers.",
			r.Name(culprit))
	}
	r.Emit(f)
}

// place finds the side whose ACKs do not lie where its data ended; where both or none
// do, it names the side that sent the first ACK in answer to an ACK.
func (w *ackStorm) place(r *detectors.Report) {
	own := w.from.Seq == r.Conn.Stream(w.by).Nxt
	peer := w.answers.Seq == r.Conn.Stream(w.by.Peer()).Nxt
	w.lost, w.astray = own != peer, w.by
	if own && !peer {
		w.astray = w.by.Peer()
	}
}
