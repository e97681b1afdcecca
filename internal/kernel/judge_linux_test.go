package kernel

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// detectorsJudged are those whose faults the stories bring about.
var detectorsJudged = []*detectors.Detector{detectors.ZeroWindowProbeLoop, detectors.UnretransmittedFIN, detectors.PostFINAckRST}

// judgeStates compares what tcptrace reads off the recording with what the
// kernels said, at every moment that they were asked.
func (s *story) judgeStates(file string) {
	s.Helper()
	for i, m := range s.moments {
		rep := s.analyseUntil(file, m.at)
		when := fmt.Sprintf("moment %d, %.3fs after the first frame", i+1, time.Duration(m.at-rep.Trace.First).Seconds())
		wire := statesOf(rep)
		for p := range union(m.kernel, wire) {
			want := claim{state: m.kernel[p]}
			if c, ok := m.wire[p]; ok {
				want = c
			}
			switch got := wire[p]; {
			case got.state != want.state && want.why != "":
				s.Errorf("%s: %s is %v for its kernel, but the wire shows %v (%s); tcptrace says %v",
					when, p, m.kernel[p], want.state, want.why, got.state)
			case got.state != want.state:
				s.Errorf("%s: %s is %v for its kernel; tcptrace says %v", when, p, want.state, got.state)
			case want.bounded && !got.bounded:
				s.Errorf("%s: %s: tcptrace is sure of %v, but %s", when, p, got.state, want.why)
			}
		}
	}
}

// analyseUntil analyses the recording up to a moment.
func (s *story) analyseUntil(file string, at int64) *result.Report {
	s.Helper()
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	defer trace.Close()
	for _, err := range errs {
		s.Error(err)
	}
	return engine.Run(context.Background(), trace, engine.Options{AllFlows: true, Until: at, Workers: 1})
}

// statesOf are the sockets of both hosts, as tcptrace sees them. Like in the
// kernel's table, CLOSED and LISTEN do not appear, unless as a bound.
func statesOf(rep *result.Report) map[pair]claim {
	states := map[pair]claim{}
	for _, fl := range rep.Flows {
		for side := range reassembly.Side(2) {
			p := pair{fl.End[side].AddrPort(), fl.End[side.Peer()].AddrPort()}
			state, bounded := fl.State[side], fl.Bounded[side]
			if state == fsm.Listen {
				state = fsm.Closed
			}
			if state != fsm.Closed || bounded {
				states[p] = claim{state: state, bounded: bounded}
			}
		}
	}
	return states
}

func union(a table, b map[pair]claim) map[pair]bool {
	all := map[pair]bool{}
	for p := range a {
		all[p] = true
	}
	for p := range b {
		all[p] = true
	}
	return all
}

// judgeFindings compares what tcptrace found with what was done.
func (s *story) judgeFindings(file string, want []finding) {
	s.Helper()
	rep, err := tcptrace.Analyze(context.Background(), tcptrace.Options{Detectors: detectorsJudged, AllFlows: true}, file)
	if err != nil {
		s.Error(err)
	}
	var got []finding
	for _, f := range rep.Findings {
		if f.Verdict == detectors.Undecided {
			s.Logf("undecided: %s %s: %s", f.Detector, f.Outcome, f.Reason)
			continue
		}
		got = append(got, finding{f.Detector, f.Outcome, f.Flow.End[f.Culprit].AddrPort().Addr()})
		s.Logf("seen: %s", f.Message)
	}
	if !slices.Equal(got, want) {
		s.Errorf("tcptrace found %v; what was done is %v", got, want)
	}
}
