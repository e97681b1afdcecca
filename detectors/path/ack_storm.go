package path

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// AckStorm reports two sides that answer each other's ACKs without end: each
// believes the other to be elsewhere in its sequence space. RFC 9293 3.10.7.4.
var AckStorm = &detectors.Detector{
	Name: "ack-storm",
	Doc: detectors.Doc{
		Title: "both sides answer each other's ACKs in a loop",
		What: "Both sides send the same empty ACK again and again, each in answer to the other's, as fast as the path allows. A TCP " +
			"answers an empty ACK only if that lies outside its window or acknowledges what it never sent; here both do.",
		Cause: "The two ends disagree about the sequence numbers: somebody sent data in one side's name (hijacking, an injecting " +
			"proxy), or a middlebox (NAT with application gateway, firewall, load balancer, sequence randomiser) rewrites the numbers " +
			"and lost count, as after a failover.",
		Action: "End the connection. Look at what stands between the two and touches the payload or the sequence numbers: did it fail over " +
			"or restart then? Compare captures from both sides of it. If there is no such device, think of hijacking.",
		NotThis: "Duplicate ACKs, which answer data. Keep-alives and window probes, which come slowly. Frames that were captured twice. Hosts that " +
			"limit such answers (Linux: two a second), where the loop is there, but no storm.",
		Peers: "Wireshark marks one side's as Dup ACK or keep-alive and counts them up.",
		Refs:  []string{"RFC 9293 3.10.7.4", "RFC 5961 7"},
		Since: "0.2",
	},
	Outcomes: []*detectors.Outcome{
		{Name: "loop", Severity: detectors.Warning, When: "ACKs drew ACKs, many in a second"},
	},
	Params: []detectors.Param{
		{Name: "min-rate", Default: 20, Min: 2, Max: 1e6, Unit: "", Doc: "ACKs drawn by ACKs within a second that make a finding, both sides together"},
	},
	StartsOn:     fsm.On(fsm.AckRepeated),
	SubscribesTo: fsm.On(fsm.AckRepeated),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(ackStorm) },
}

// ackStorm counts the ACKs that ACKs drew.
type ackStorm struct {
	second  int64           // when the second began that is being counted
	n       int             // in it
	from    reassembly.Mark // the first of it
	by      reassembly.Side // and who sent that
	told    bool            // from is the anchor, and count goes on
	answers reassembly.Mark // what the first answers
	recent  [2]reassembly.Mark
	astray  reassembly.Side // whose ACKs do not lie where its data ended
	lost    bool            // there is such a side
	all     [2]int          // by side, since from
	peak    int
	last    int64
	next    int // how many are worth telling anew
}

func (w *ackStorm) Event(ev fsm.Event, r *detectors.Report) {
	at := ev.Seg.At
	if at-w.second >= int64(time.Second) || w.second == 0 {
		w.second, w.n = at, 0
		if !w.told {
			w.from, w.by, w.answers = reassembly.MarkOf(ev.Seg), ev.Side, r.Old.LastSent(ev.Side.Peer())
			w.all = [2]int{}
		}
	}
	w.recent[ev.Side] = reassembly.MarkOf(ev.Seg)
	w.n++
	w.all[ev.Side]++
	w.peak = max(w.peak, w.n)
	w.last = at
	switch n := w.all[0] + w.all[1]; {
	case !w.told && w.n >= int(r.Value("min-rate")):
		w.told = true
		w.place(r)
		fallthrough
	case w.told && n >= w.next:
		w.next = 2 * n
		w.tell(r)
	}
}

func (w *ackStorm) End(_ detectors.Ending, r *detectors.Report) {
	if w.told {
		w.tell(r)
	}
}

func (w *ackStorm) tell(r *detectors.Report) {
	evidence := []detectors.Evidence{
		r.Evidence("ACK, drawn by an ACK", w.by, &w.from),
		r.Evidence("the ACK that drew it", w.by.Peer(), &w.answers),
	}
	for side := range reassembly.Side(2) {
		if m := &w.recent[side]; m.At != 0 && !detectors.SameFrame(m, &w.from) {
			evidence = append(evidence, r.Evidence("the last of them from "+r.Name(side), side, m))
		}
	}
	culprit := w.astray
	f := r.FindNamed("loop", culprit, w.last, evidence...)
	f.End = w.last
	f.Roles = []detectors.Role{{Name: "astray", Side: culprit}, {Name: "peer", Side: culprit.Peer()}}
	f.Measure("acks", w.all[0]+w.all[1])
	f.Measure("acks_astray", w.all[culprit])
	f.Measure("peak_per_second", w.peak)
	f.Measure("duration_s", detectors.Seconds(w.last-w.from.At))
	f.Message = fmt.Sprintf("%s and %s answered each other's empty ACKs %d times in %s, up to %d in a second, from frame %d on: "+
		"each finds the other's sequence numbers unacceptable.",
		r.Name(w.by), r.Name(w.by.Peer()), w.all[0]+w.all[1], detectors.Span(w.last-w.from.At), w.peak, w.from.Frame)
	if w.lost {
		f.Message += fmt.Sprintf(" The ACKs of %s do not lie where the data in its name ended: somebody else sent data in its name, or changes its numbers.",
			r.Name(culprit))
	}
	r.Emit(f)
}

// place finds the side whose ACKs do not lie where its data ended; where both
// or none do, it is the one whose ACK was drawn first that is named.
func (w *ackStorm) place(r *detectors.Report) {
	own, peer := r.Old.AtNxt(w.by, &w.from), r.Old.AtNxt(w.by.Peer(), &w.answers)
	w.lost, w.astray = own != peer, w.by
	if own && !peer {
		w.astray = w.by.Peer()
	}
}
