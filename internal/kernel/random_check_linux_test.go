package kernel

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// shortThresholds are thresholds that a case can exceed.
var shortThresholds = []setting{
	{"unretransmitted-fin", "patience", 3}, {"fin-unanswered", "patience", 1}, {"zero-window-deadlock", "patience", 3},
	{"close-wait-leak", "idle", 3}, {"half-close-cut", "idle", 3},
	{"retransmissions", "min-resent", 1}, {"retransmissions", "min-episodes", 1}, {"reordering", "min-resent", 1},
	{"dropped-behind-tap", "min-resends", 2}, {"dropped-behind-tap", "patience", 0}, {"paws-drops", "min-drops", 1},
}

// check compares tcptrace with what happened in a random case.
func (p *randomCase) check(t *testing.T, name string, all *summary) {
	t.Helper()
	switch {
	case p.w.stalled || lastPause.Load() > p.actions[0].at:
		all.Lock()
		all.stalled++
		all.Unlock()
		return
	case len(p.w.frames) == 0: // the tap came too late
		return
	}
	file := name + ".pcap"
	writeFrames(t, file, linkRaw, p.w.frames)
	faults := p.checkStates(t, file)
	set := &detectors.Settings{TimeWait: time.Minute}
	for _, s := range shortThresholds {
		i := slices.IndexFunc(catalogue.All, func(d *detectors.Detector) bool { return d.Name == s.Detector })
		if err := set.Set(catalogue.All[i], s.Param, s.Value); err != nil {
			t.Error(err)
		}
	}
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Settings: set, Workers: 1, AllFlows: true}, file)
	if err != nil {
		t.Error(err)
	}
	var findings, described []string
	for i := range rep.Findings {
		f := &rep.Findings[i]
		findings = append(findings, fmt.Sprintf("%-9s %s:%s", f.Verdict, f.Detector, f.Outcome))
		described = append(described, fmt.Sprintf("%s %s:%s %s %s", f.Verdict, f.Detector, f.Outcome, f.Message, f.Reason))
		faults = append(faults, p.checkFinding(f)...)
	}
	faults = append(faults, p.checkReasons(rep, all)...)
	faults = append(faults, p.checkCounters(file, rep, all)...)
	all.add(p, findings, faults)
	if len(faults) == 0 {
		os.Remove(file)
		return
	}
	text := strings.Join(faults, "\n") + "\n\n" + strings.Join(described, "\n") + "\n\n" + p.log()
	if err := os.WriteFile(name+".txt", []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// checkStates compares states at every moment. If a kernel's state is not visible on
// the wire, tcptrace must have the state that the wire shows.
func (p *randomCase) checkStates(t *testing.T, file string) (faults []string) {
	for _, m := range p.moments {
		rep := analyseUntil(t, file, m.At.UnixNano())
		for side := range p.sides {
			s := &m.Sockets[side]
			got := claim{State: "CLOSED"}
			twice, newest := "", int64(0)
			for _, fl := range rep.Flows { // a host has one socket for a four-tuple
				newest = max(newest, fl.First)
			}
			for _, fl := range rep.Flows {
				for e := range reassembly.Side(2) {
					if fl.End[e].AddrPort() != s.Local || fl.State[e] == fsm.Closed && !fl.Bounded[e] || fl.State[e] == fsm.Listen || newest > fl.Last {
						continue
					}
					if got.State != "CLOSED" {
						twice = " twice " + got.State
					}
					if got.State == "CLOSED" || fl.State[e] != fsm.Closed {
						got = claim{State: fl.State[e].String(), Bounded: fl.Bounded[e]}
					}
				}
			}
			at := m.At.UnixNano()
			shown, withoutRSTs, held := p.wireStates(at, true, true), p.wireStates(at, false, true), p.wireStates(at, true, false)
			described := got.State
			if got.Bounded {
				described += "~"
			}
			described += twice
			ok := got.State == s.State || got.Bounded && before[got.State] == s.State || got.State == shown[side] || before[shown[side]] == got.State || got.State == withoutRSTs[side] || got.State == held[side]
			if (twice != "" || !ok) && !p.missed() {
				faults = append(faults, fmt.Sprintf("state: %s for its kernel, %s on the wire, %s for tcptrace", s.State, shown[side], described))
			}
		}
	}
	return faults
}

// missed reports whether the tap missed a packet.
func (p *randomCase) missed() bool {
	return slices.ContainsFunc(p.w.packets, func(x *packet) bool { return x.missed })
}

// before is the state of a host while the ACK that ends it is in flight.
var before = map[string]string{"ESTABLISHED": "SYN_RECEIVED", "FIN_WAIT_2": "FIN_WAIT_1", "TIME_WAIT": "CLOSING", "CLOSED": "LAST_ACK"}

// seen is what the tap saw, in order.
func (p *randomCase) seen() (list []*packet) {
	for _, x := range p.w.packets {
		if x.tapped != 0 {
			list = append(list, x)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].frame < list[j].frame })
	return list
}
