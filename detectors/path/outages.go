package path

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// outages are the times that a peer was silent and came back, as one finding: how it
// went the first time, and how often.
type outages struct {
	n        int
	total    int64
	longest  int64
	retries  int
	opening  bool                 // in the first, the peer had sent nothing but its SYN-ACK
	lost     bool                 // in the first, the peer sent what did not reach the capture point
	foreign  bool                 // in the first, what came back has no timestamps, which the peer uses
	evidence []detectors.Evidence // of the first
}

// add takes an outage that the peer's segment ended, and makes the finding.
func (o *outages) add(v *retryRun, side reassembly.Side, back *reassembly.Segment, r *detectors.Report) detectors.Finding {
	silence := back.At - v.first.At
	if o.opening { // no outage, for all that is known
		*o = outages{}
	}
	if o.n == 0 {
		out := r.Conn.Stream(side.Peer())
		o.opening = v.opening()
		o.lost = out.Skipped(back.Seq-1) || back.Seq.After(out.Nxt)
		o.foreign = v.stamped && back.Opts.Has&reassembly.HasTimestamps == 0
		o.evidence = append(v.evidence(side, r), detectors.Evidence{Role: "peer is back", Seg: *back})
	}
	o.n++
	o.total += silence
	o.longest = max(o.longest, silence)
	o.retries += v.n
	f := r.Find(deadRecovered, side.Peer(), back.At, o.evidence...)
	f.During = [2]int64{o.evidence[0].Seg.At, back.At}
	f.End = back.At
	f.Roles = detectors.Roles("survivor", side, "silent")
	f.Measure("outages", o.n)
	f.Measure("repeats", o.retries)
	f.Measure("silence_s", detectors.Seconds(o.total))
	f.Measure("longest_s", detectors.Seconds(o.longest))
	first, last := &o.evidence[0].Seg, &o.evidence[len(o.evidence)-1].Seg
	f.Message = fmt.Sprintf("No answer of %s to %s was captured for %s (frames %d to %d). Then it answered",
		r.Name(side.Peer()), r.Name(side), detectors.Span(last.At-first.At), first.Frame, last.Frame)
	if besideTap(side.Peer(), r) {
		f.Cause = causeBesideBack
	}
	if o.lost {
		f.Message = fmt.Sprintf("No answer of %s to %s reached the capture point for %s (frames %d to %d), although it had sent what lies before frame %[5]d",
			r.Name(side.Peer()), r.Name(side), detectors.Span(last.At-first.At), first.Frame, last.Frame)
		f.Cause = "The path from the peer was down for a while, or dropped its segments."
	}
	if last.Len > 0 && last.Flags&reassembly.FIN == 0 {
		f.Message += ", and the connection continued"
	}
	f.Message += "."
	if o.n > 1 {
		f.Message += fmt.Sprintf(" This happened %s, for %s in total.", detectors.Times(o.n), detectors.Span(o.total))
	}
	if o.foreign { // each segment has them, once both sides had agreed on them (RFC 7323 3.2)
		f.Undecide(fmt.Sprintf("what came back (frame %d) has no timestamps, which the peer had sent: another device may answer for it, and whether it was silent, or is back, the capture does not show", last.Frame))
	} else if o.opening && !o.lost { // Linux tcp_check_req(): a full accept queue drops what comes to a connection in SYN_RECEIVED
		f.Undecide(fmt.Sprintf("nothing came from the peer between its SYN-ACK and frame %d: its accept queue may have been full, which looks like an outage", last.Frame))
	} else {
		r.Absence(&f, first.At)
	}
	return f
}
