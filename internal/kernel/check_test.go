package kernel

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/closing"
	"github.com/tcptrace-go/tcptrace/detectors/flowcontrol"
	detectloss "github.com/tcptrace-go/tcptrace/detectors/loss"
	"github.com/tcptrace-go/tcptrace/detectors/opening"
	"github.com/tcptrace-go/tcptrace/detectors/path"
	detectresets "github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// checked are the detectors for whose faults there are cases.
var checked = []*detectors.Detector{
	flowcontrol.ZeroWindowProbeLoop, closing.UnretransmittedFIN, closing.PostFINAckRST, path.DeadPeer,
	closing.CloseWaitLeak, closing.FINUnanswered, closing.HalfCloseCut, opening.EarlyReuse,
	opening.SYNUnanswered, opening.SYNAckUnanswered, opening.ChallengedSYN, opening.WrongSYNAck, opening.SlowConnect, opening.NoData,
	flowcontrol.ZeroWindowDeadlock, flowcontrol.WindowShrunk, flowcontrol.WindowOverrun, flowcontrol.SmallWindow,
	detectresets.ResetCause, detectresets.ForgedReset,
	path.IdleBlackhole, path.MTUBlackhole, path.AckDelay, path.AckStorm,
	detectloss.Retransmissions, detectloss.Reordering,
}

// checkStates compares the states that tcptrace derives from a recording with those
// of the kernels, at every moment.
func checkStates(t *testing.T, tr *truth, file string) {
	t.Helper()
	for i, m := range tr.Moments {
		rep := analyseUntil(t, file, m.At.UnixNano())
		wire := statesOf(t, rep)
		for p := range wire {
			m.entry(p.local, p.foreign)
		}
		for _, s := range m.Sockets {
			got, seen := wire[pair{s.Local, s.Foreign}]
			if !seen {
				got.State = "CLOSED"
			}
			if fault := disagreement(&s, got); fault != "" {
				t.Errorf("moment %d, %.3fs after the first frame: %v > %v is %s for its kernel, %s",
					i+1, float64(m.At.UnixNano()-rep.Trace.First)/1e9, s.Local, s.Foreign, s.State, fault)
			}
		}
	}
}

// disagreement describes the difference for a socket, "" if there is none.
func disagreement(s *entry, got claim) string {
	switch {
	case got.State == s.State && (s.Wire == nil || s.Wire.Bounded):
		return ""
	case s.Wire == nil:
		return got.State + " for tcptrace"
	case got.State != s.Wire.State:
		return fmt.Sprintf("%s on the wire (%s), but %s for tcptrace", s.Wire.State, s.Wire.Why, got.State)
	case s.Wire.Bounded && !got.Bounded:
		return fmt.Sprintf("but tcptrace does not call %s a bound: %s", got.State, s.Wire.Why)
	}
	return ""
}

// analyseUntil analyses a recording up to a moment.
func analyseUntil(t *testing.T, file string, at int64) *result.Report {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	defer trace.Close()
	for _, err := range errs {
		t.Error(err)
	}
	return engine.Run(context.Background(), trace, engine.Options{AllFlows: true, Until: at, Workers: 1})
}

// A pair is one socket's address and its peer's.
type pair struct{ local, foreign netip.AddrPort }

// statesOf are the sockets of both hosts according to tcptrace. As in the kernels'
// tables, CLOSED and LISTEN do not appear, except as a bound.
func statesOf(t *testing.T, rep *result.Report) map[pair]claim {
	t.Helper()
	states := map[pair]claim{}
	for _, fl := range rep.Flows {
		for side := range reassembly.Side(2) {
			c := claim{State: fl.State[side].String(), Bounded: fl.Bounded[side]}
			if fl.State[side] == fsm.Listen || fl.State[side] == fsm.Closed && !c.Bounded {
				continue
			}
			p := pair{fl.End[side].AddrPort(), fl.End[side.Peer()].AddrPort()}
			if old, twice := states[p]; twice && old.State != "CLOSED" {
				t.Errorf("%v > %v is two sockets for tcptrace, %s and %s", p.local, p.foreign, old.State, c.State)
			}
			states[p] = c
		}
	}
	return states
}

// settings are the thresholds of the case.
func (tr *truth) settings(t *testing.T) *detectors.Settings {
	t.Helper()
	s := &detectors.Settings{TimeWait: engine.DefaultTimeWait}
	for _, x := range tr.Set {
		i := slices.IndexFunc(checked, func(d *detectors.Detector) bool { return d.Name == x.Detector })
		if err := s.Set(checked[i], x.Param, x.Value); err != nil {
			t.Error(err)
		}
	}
	return s
}

// checkFindings compares the findings in a recording with what was done. On a slow machine,
// others may be true.
func checkFindings(t *testing.T, tr *truth, file string, slow []finding) {
	t.Helper()
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Detectors: checked, Settings: tr.settings(t)}, file)
	if err != nil {
		t.Error(err)
	}
	var got []finding
	for _, f := range rep.Findings {
		t.Logf("%s: %s", f.Verdict, f.Message)
		if f.Verdict == detectors.Seen {
			got = append(got, finding{f.Detector, f.Outcome, f.Flow.End[f.Subject].AddrPort().Addr()})
		}
	}
	if !slices.Equal(got, tr.Findings) && !explained(got, tr.Findings, slow) {
		t.Errorf("tcptrace found %v; what was done is %v", got, tr.Findings)
	}
}

// explained reports whether a slow machine explains the difference: all that is more is
// among what that may cause, and of what is missing the same detector says something else, or
// reset-cause does of a RST that came too late for another, or dead-peer of retransmissions that lasted.
func explained(got, want, slow []finding) bool {
	for _, f := range got {
		if !slices.Contains(want, f) && !slices.Contains(slow, f) {
			return false
		}
	}
	for _, f := range want {
		if !slices.ContainsFunc(got, func(g finding) bool {
			covers := g.Detector == f.Detector || g.Detector == "reset-cause" || g.Detector == "dead-peer" && f.Detector == "retransmissions"
			return g == f || covers && slices.Contains(slow, g)
		}) {
			return false
		}
	}
	return true
}
