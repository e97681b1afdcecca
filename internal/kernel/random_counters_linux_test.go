package kernel

import (
	"context"
	"fmt"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What the kernels count (TcpExt) of what was sent again for nothing, beside what tcptrace does.
// A host's counters are those of all its sockets, but a case has only one connection at a time.

// besides says in how many directions of a case a kernel counted something, tcptrace did, or both.
type besides struct{ both, kernel, ours int }

func (b *besides) add(kernel, ours int) {
	switch {
	case kernel > 0 && ours > 0:
		b.both++
	case kernel > 0:
		b.kernel++
	case ours > 0:
		b.ours++
	}
}

// The names of what is counted, in the order in which a summary has them.
const (
	besideDSACKs   = "D-SACKs (TCPDSACKOldSent, TCPDSACKOfoSent)"
	besideTLPs     = "tail loss probes (TCPLossProbes)"
	besideTimeouts = "spurious timeouts (TCPLossUndo)"
)

// checkCounters compares both sides' counters with what tcptrace counts. Where a kernel says
// less or more than the wire shows, that goes into the summary; where it cannot, it is a fault.
func (p *randomCase) checkCounters(file string, rep *tcptrace.Report, all *summary) (faults []string) {
	if p.missed() || !p.tappedAll() {
		return nil
	}
	trace, _ := capture.OpenTrace([]string{file}, capture.Options{})
	defer trace.Close()
	flows := engine.Run(context.Background(), trace, engine.Options{AllFlows: true, Time: true, Workers: 1}).Flows
	for side, s := range p.sides {
		kernel, peer := p.counted[side], p.counted[1-side]
		dsacks := 0
		for _, fl := range flows {
			for e := range reassembly.Side(2) {
				if fl.End[e].AddrPort() == s.h.endpoint(s.port) {
					dsacks += int(fl.Time.Figures[e].DSACKs)
				}
			}
		}
		sent, received := peer["TCPDSACKOldSent"]+peer["TCPDSACKOfoSent"], kernel["TCPDSACKRecv"]+kernel["TCPDSACKOfoRecv"]
		// Of a large segment that is cut into several, each has the same SACK option, and the sender's kernel counts one.
		if (dsacks > max(sent, received) || dsacks < received-p.repeatedSACKs(1-side)) && !p.doubled(1-side) {
			faults = append(faults, fmt.Sprintf("tcptrace counts %d D-SACKs, the kernels %d sent and %d received", dsacks, sent, received))
		}
		all.Lock()
		all.beside(besideDSACKs).add(sent, dsacks)
		if p.metric(rep, side, "resent") > 0 { // else there is no finding that counts them
			all.beside(besideTLPs).add(kernel["TCPLossProbes"], p.metric(rep, side, "tlp"))
			undone, spurious := kernel["TCPLossUndo"], p.metric(rep, side, "spurious")
			all.beside(besideTimeouts).add(undone, spurious)
			if spurious < undone {
				faults = append(faults, fmt.Sprintf("tcptrace counts %d spurious retransmissions, the kernel undid %d timeouts", spurious, undone))
			}
		}
		all.Unlock()
	}
	return faults
}

// repeatedSACKs is how many SACKs of a side its peer received once more, because the wire doubled
// them behind the tap.
func (p *randomCase) repeatedSACKs(side int) (n int) {
	for _, x := range p.w.packets {
		if x.from == side && x.seg.Opts.NBlocks > 0 {
			n += x.duplicates[1]
		}
	}
	return n
}

// tappedAll reports whether the tap was there from the beginning, and nothing was lost before it.
func (p *randomCase) tappedAll() bool {
	for _, x := range p.w.packets {
		if x.tapped == 0 {
			return false
		}
	}
	return true
}

// metric is what the findings of retransmissions count of what a side sent.
func (p *randomCase) metric(rep *tcptrace.Report, side int, name string) (sum int) {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		if f.Detector != "retransmissions" || f.Verdict != detectors.Seen || p.senderOf(f) != side {
			continue
		}
		for _, m := range f.Metrics {
			if n, is := m.Value.(int); is && m.Name == name {
				sum += n
			}
		}
	}
	return sum
}

// senderOf is the side whose payload a finding is about.
func (p *randomCase) senderOf(f *tcptrace.Finding) int {
	for _, r := range f.Roles {
		if r.Name == "sender" && f.Flow.End[r.Side].AddrPort().Addr() == serverAddr {
			return 1
		}
	}
	return 0
}

func (a *summary) beside(name string) *besides {
	if a.besides == nil {
		a.besides = map[string]*besides{}
	}
	if a.besides[name] == nil {
		a.besides[name] = new(besides)
	}
	return a.besides[name]
}

func (b *besides) String() string {
	return fmt.Sprintf("in %d directions for both, in %d for the kernel alone, in %d for tcptrace alone", b.both, b.kernel, b.ours)
}
