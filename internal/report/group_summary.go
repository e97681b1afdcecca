package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// summary is "server 10.0.0.5: 14 connections left in LAST_ACK", or "path to server
// 10.0.0.5: 3 connections".
func (g *group) summary(n Names) string {
	first := g.findings[0]
	if g.scan {
		return fmt.Sprintf("%s refused %s of %s", quantity.Count(g.refusers(), "host"), quantity.Count(uint64(len(g.findings)), "connection"),
			first.Flow.End[first.Subject.Peer()].AddrPort().Addr())
	}
	who := first.Flow.End[first.Subject].AddrPort().Addr().String()
	if name := g.shared(func(f *result.Finding) string { return name(f.Flow, f.Subject) }); name != "" {
		who = name + " " + who
	}
	what := quantity.Count(uint64(len(g.findings)), "connection")
	if first.Fault == detectors.FaultPath {
		return "path to " + who + ": " + what
	}
	if g.outcome == refused {
		what = "refused " + what
	}
	if !slices.ContainsFunc(g.findings, func(f *result.Finding) bool { return !ofScan(f, first) }) {
		return fmt.Sprintf("%s: %s of %s by %v", who, what, first.ScanOrFlood(), first.Flow.End[first.Subject.Peer()].AddrPort().Addr())
	}
	if g.outcome == refused {
		return who + ": " + what
	}
	switch state := g.shared(func(f *result.Finding) string { return n.State(f.States[f.Subject]) }); {
	case state == "", first.States[first.Subject] == fsm.Closed: // no connection is left there
	case halfClosed(first.States[first.Subject]) && first.Flow.State[first.Subject] != fsm.Closed:
		what += " left in " + state
	default:
		what += " in " + state
	}
	return who + ": " + what
}

// ofScan reports whether the finding is part of a port scan by the client of another.
func ofScan(f, of *result.Finding) bool {
	return (f.Refusal || f.Tried) && f.Severity == detectors.Info && f.Scope == detectors.WholeCapture && f.Flow.End[f.Subject.Peer()].Addr == of.Flow.End[of.Subject.Peer()].Addr
}

// word is the severity, or that nothing is decided.
func (g *group) word() string {
	if g.verdict == detectors.Undecided {
		return g.verdict.String()
	}
	return g.severity.String()
}

// shared is what all findings of the group have in common, or nothing.
func (g *group) shared(of func(*result.Finding) string) string {
	first := of(g.findings[0])
	for _, f := range g.findings[1:] {
		if of(f) != first {
			return ""
		}
	}
	return first
}

// halfClosed reports whether a connection should not stay in the state for long:
// one end has closed and waits for the other.
func halfClosed(s fsm.State) bool {
	switch s {
	case fsm.FinWait1, fsm.FinWait2, fsm.CloseWait, fsm.Closing, fsm.LastAck:
		return true
	}
	return false
}

// advises is the finding whose cause and action are printed for the group: where they
// differ, one that stands for the outcome.
func (g *group) advises() *detectors.Finding {
	if g.shared(func(f *result.Finding) string { return f.Cause + f.Action }) == "" {
		return &detectors.Finding{Detector: g.detector, Outcome: g.outcome}
	}
	return g.findings[0].Finding
}

// wireshark is what Wireshark says about the frames: about these if the group is
// a single finding and its detector knows, else in general. The label names
// Wireshark already.
func (g *group) wireshark(doc detectors.Doc) string {
	says := doc.Peers
	if len(g.findings) == 1 && g.findings[0].Peers != "" {
		says = g.findings[0].Peers
	}
	return strings.TrimPrefix(says, "Wireshark ")
}
