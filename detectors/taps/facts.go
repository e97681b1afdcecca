// Package taps has the detectors of what happens between two capture points of one
// connection. They have no watchers: each is asked once, about all that both points saw.
package taps

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Facts are what two capture points saw of one connection.
type Facts struct {
	Taps      [2]string // their names: that nearer to A, and that nearer to B
	End       [2]reassembly.Endpoint
	States    [2]fsm.State
	Limits    fsm.Limits
	Way       [2]Way // by sender
	Injected  []reassembly.Segment
	Rewritten []string             // "isn", "mss", "a.port", ...
	Opening   []reassembly.Segment // the SYNs at both points, or whatever was seen first
}

// A Way is what became of the segments of one side.
type Way struct {
	Sent, Arrived uint64
	Lost          []reassembly.Segment // at the point nearer to the sender
	Untranslated  []reassembly.Segment // likewise; they arrived with the addresses that they had there
}

// Detectors are those of this package, in the order of reports.
var Detectors = []*detectors.Detector{LostBetween, InjectedBetween, RewrittenBetween}

// near and far are the capture points on the way from a side.
func (f *Facts) near(side reassembly.Side) string { return f.Taps[side] }
func (f *Facts) far(side reassembly.Side) string  { return f.Taps[side.Peer()] }

// find begins a finding.
func (f *Facts) find(d *detectors.Detector, o *detectors.Outcome, side reassembly.Side, role string, segs []reassembly.Segment) detectors.Finding {
	first, last := segs[0].At, segs[0].At
	for i := range segs[1:] { // time may go back from frame to frame
		first, last = min(first, segs[1+i].At), max(last, segs[1+i].At)
	}
	found := detectors.Finding{
		Detector: d.Name, Outcome: o.Name, Severity: o.Severity, Title: d.Doc.Title, Subject: side, Fault: o.Fault,
		Roles: detectors.Roles("sender", side, "receiver"), States: f.States, Limits: f.Limits,
		Start: first, End: last, At: last,
	}
	for _, s := range segs[:min(len(segs), maxEvidence)] {
		found.Evidence = append(found.Evidence, detectors.Evidence{Role: role, Seg: s})
	}
	return found
}

// maxEvidence is how many frames a finding lists.
const maxEvidence = 64

// kinds counts segments by what they are: "2 FINs, 3 data segments".
func kinds(segs []reassembly.Segment) string {
	var n [5]int
	for i := range segs {
		n[kindOf(&segs[i])]++
	}
	var words []string
	for k, name := range [...]string{"SYN", "FIN", "RST", "data segment", "pure ACK"} {
		switch n[k] {
		case 0:
		case 1:
			words = append(words, "1 "+name)
		default:
			words = append(words, fmt.Sprintf("%d %ss", n[k], name))
		}
	}
	return strings.Join(words, ", ")
}

const (
	kindSYN = iota
	kindFIN
	kindRST
	kindData
	kindACK
)

func kindOf(s *reassembly.Segment) int {
	switch {
	case s.Flags&reassembly.RST != 0:
		return kindRST
	case s.Flags&reassembly.SYN != 0:
		return kindSYN
	case s.Flags&reassembly.FIN != 0:
		return kindFIN
	case s.Len > 0:
		return kindData
	}
	return kindACK
}
