package kernel

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
)

// check holds the accounts of the three captures against the truth. It returns what is wrong.
func (r *waitRun) check(all *waitTable) string {
	r.Helper()
	dir := keepIn(r.T)
	names := r.capture(dir)
	x := r.truth()
	var ours [3]detectors.Waits
	for tap, name := range names {
		ours[tap] = accountOf(r.T, name)
	}
	if int64(r.noise) > x.duration/10 {
		all.skip()
		r.Logf("not checked: the machine was too slow for %v of %v", r.noise, time.Duration(x.duration))
		return ""
	}
	wrong := r.faults(&x, &ours)
	all.add(r, &x, &ours, len(wrong))
	text := fmt.Sprintf("%v\n%s\nnoise %v\ntruth: %s\n", r.waitCase, strings.Join(wrong, "\n"), r.noise, x.String())
	for tap := range ours {
		text += waitTaps[tap] + ": " + waitsText(&ours[tap]) + "\n"
	}
	if r.Log(text); len(wrong) == 0 {
		return ""
	}
	must(r.T, os.WriteFile(fmt.Sprintf("%s/%03d.txt", dir, r.seed), []byte(text), 0o644))
	return text
}

// faults are where the accounts are wrong, beyond what may be.
func (r *waitRun) faults(x *waitTruth, ours *[3]detectors.Waits) (wrong []string) {
	noise := 2 * int64(r.noise) // when a host or the path is late by so much, a whole round trip may look like a sleep
	for tap := range ours {
		w := &ours[tap]
		fault := func(format string, args ...any) {
			wrong = append(wrong, waitTaps[tap]+": "+fmt.Sprintf(format, args...))
		}
		for side, name := range appWaits {
			may := x.duration/50 + 2*noise
			if got, is := w[name], x.app[side]; got < is.from-may || got > is.to+may {
				fault("%v %v, and it was %v to %v", name, time.Duration(got), time.Duration(is.from), time.Duration(is.to))
			}
		}
		if got := w[detectors.ReceiverWindow] + w[detectors.Loss]; got < x.rwnd-x.duration/20-noise {
			fault("receiver-window and loss %v, for the kernel at least %v", time.Duration(got), time.Duration(x.rwnd))
		}
		if got := w[detectors.SenderWindow]; got < x.sndbuf-x.duration/20-noise {
			fault("sender-window %v, for the kernel at least %v", time.Duration(got), time.Duration(x.sndbuf))
		}
		if w[detectors.UnknownWait] > x.duration/10 {
			fault("unknown %v", time.Duration(w[detectors.UnknownWait]))
		}
		if top := w.Longest().String(); r.top != nil && !slices.Contains(r.top, top) && (top != "loss" || !x.dropped) && (top != "connect" || !x.unopened) {
			fault("the longest wait is %s, and should be one of %v", top, r.top)
		}
		may := max(x.duration/20, 5*x.roundTrip/4) + noise + x.app[0].to - x.app[0].from + x.app[1].to - x.app[1].from
		for other := range tap {
			for i := range w {
				if d := w[i] - ours[other][i]; !x.dropped && max(d, -d) > may {
					fault("%v differs from that at the %s by %v", detectors.Wait(i), waitTaps[other], time.Duration(d))
				}
			}
		}
	}
	return wrong
}

// accountOf is the account of the only connection of a capture.
func accountOf(t *testing.T, name string) detectors.Waits {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{name}, capture.Options{})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	rep := engine.Run(context.Background(), trace, engine.Options{Time: true})
	if len(rep.Flows) != 1 {
		t.Fatalf("%s: %d connections", name, len(rep.Flows))
	}
	return rep.Flows[0].Time.Waits
}

func waitsText(w *detectors.Waits) string {
	var list []string
	for i, ns := range w {
		if ns > 0 {
			list = append(list, fmt.Sprintf("%v %.3f", detectors.Wait(i), float64(ns)/1e9))
		}
	}
	return strings.Join(list, ", ")
}

func (x *waitTruth) String() string {
	s := func(ns int64) float64 { return float64(ns) / 1e9 }
	return fmt.Sprintf("duration %.3f, client-app %.3f to %.3f, server-app %.3f to %.3f, rwnd-limited %.3f, sndbuf-limited %.3f, busy %.3f, loss %.3f, dropped %v",
		s(x.duration), s(x.app[0].from), s(x.app[0].to), s(x.app[1].from), s(x.app[1].to), s(x.rwnd), s(x.sndbuf), s(x.busy), s(x.loss), x.dropped)
}

// A waitTable is the truth and the accounts of all cases.
type waitTable struct {
	sync.Mutex
	rows    []waitRow
	skipped int
}

// A waitRow is a case.
type waitRow struct {
	kind  string
	truth waitTruth
	ours  [3]detectors.Waits
	wrong int
}

func (t *waitTable) skip() {
	t.Lock()
	defer t.Unlock()
	t.skipped++
}

func (t *waitTable) add(r *waitRun, x *waitTruth, ours *[3]detectors.Waits, wrong int) {
	t.Lock()
	defer t.Unlock()
	t.rows = append(t.rows, waitRow{r.kind, *x, *ours, wrong})
}
