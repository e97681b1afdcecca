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

// hasty are thresholds that a story can outlast.
var hasty = []setting{
	{"unretransmitted-fin", "patience", 3}, {"fin-unanswered", "patience", 1}, {"zero-window-deadlock", "patience", 3},
	{"close-wait-leak", "idle", 3}, {"half-close-cut", "idle", 3},
}

// judge holds tcptrace against what happened in a random story.
func (p *plot) judge(t *testing.T, name string, all *tally) {
	t.Helper()
	switch {
	case p.w.stalled:
		all.Lock()
		all.stalled++
		all.Unlock()
		return
	case len(p.w.frames) == 0: // the tap came too late
		return
	}
	file := name + ".pcap"
	writeFrames(t, file, linkRaw, p.w.frames)
	faults := p.judgeStates(t, file)
	set := &detectors.Settings{TimeWait: time.Minute}
	for _, s := range hasty {
		i := slices.IndexFunc(catalogue.All, func(d *detectors.Detector) bool { return d.Name == s.Detector })
		if err := set.Set(catalogue.All[i], s.Param, s.Value); err != nil {
			t.Error(err)
		}
	}
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Settings: set, Workers: 1}, file)
	if err != nil {
		t.Error(err)
	}
	var findings, told []string
	for i := range rep.Findings {
		f := &rep.Findings[i]
		findings = append(findings, fmt.Sprintf("%-9s %s:%s", f.Verdict, f.Detector, f.Outcome))
		told = append(told, fmt.Sprintf("%s %s:%s %s %s", f.Verdict, f.Detector, f.Outcome, f.Message, f.Reason))
		faults = append(faults, p.judgeFinding(f)...)
	}
	all.add(p, findings, faults)
	if len(faults) == 0 {
		os.Remove(file)
		return
	}
	text := strings.Join(faults, "\n") + "\n\n" + strings.Join(told, "\n") + "\n\n" + p.retell()
	if err := os.WriteFile(name+".txt", []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

// judgeStates compares states at every moment. What a host's kernel says need not
// be seen: then tcptrace must say what the wire shows.
func (p *plot) judgeStates(t *testing.T, file string) (faults []string) {
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
			shown, unshaken := p.shown(m.At.UnixNano(), true), p.shown(m.At.UnixNano(), false)
			told := got.State
			if got.Bounded {
				told += "~"
			}
			told += twice
			ok := got.State == s.State || got.Bounded && before[got.State] == s.State || got.State == shown[side] || before[shown[side]] == got.State || got.State == unshaken[side]
			if (twice != "" || !ok) && !p.missed() {
				faults = append(faults, fmt.Sprintf("state: %s for its kernel, %s on the wire, %s for tcptrace", s.State, shown[side], told))
			}
		}
	}
	return faults
}

// missed says that the tap did.
func (p *plot) missed() bool {
	return slices.ContainsFunc(p.w.passages, func(x *passage) bool { return x.missed })
}

// before is the state that a host is in while the ACK that ends it is under way.
var before = map[string]string{"ESTABLISHED": "SYN_RECEIVED", "FIN_WAIT_2": "FIN_WAIT_1", "TIME_WAIT": "CLOSING", "CLOSED": "LAST_ACK"}

// seen is what the tap saw, in order.
func (p *plot) seen() (list []*passage) {
	for _, x := range p.w.passages {
		if x.tapped != 0 {
			list = append(list, x)
		}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].frame < list[j].frame })
	return list
}
