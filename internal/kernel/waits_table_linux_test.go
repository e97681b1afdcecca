package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// print prints the table: in percent of the duration, the mean of the cases of a kind, and
// by how much the worst of them is wrong in points.
func (t *waitTable) print(test *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d connections; %d more were not checked, because the machine was slow\n", len(t.rows), t.skipped)
	b.WriteString("| Kind | Cases, wrong | Tap | client-app | server-app | receiver-window and loss | sender-window | loss | network | unknown |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, k := range waitKinds {
		for tap := range waitTaps {
			t.row(&b, k.name, tap)
		}
	}
	test.Log(b.String())
}

// row writes the row of a kind and a tap.
func (t *waitTable) row(b *strings.Builder, kind string, tap int) {
	var app [2]shares
	var window, buffer, loss, network, unknown shares
	n, wrong := 0, 0
	for i := range t.rows {
		r := &t.rows[i]
		if r.kind != kind {
			continue
		}
		n++
		wrong += min(r.wrong, 1)
		w, x := &r.ours[tap], &r.truth
		d := float64(x.duration) / 100
		for side := range app {
			app[side].add(w[appWaits[side]], x.app[side].from, x.app[side].to, d)
		}
		window.add(w[detectors.ReceiverWindow]+w[detectors.Loss], x.rwnd, math.MaxInt64, d)
		buffer.add(w[detectors.SenderWindow], x.sndbuf, math.MaxInt64, d)
		loss.add(w[detectors.Loss], x.loss, x.loss, d)
		network.add(w[detectors.Network], 0, math.MaxInt64, d)
		unknown.add(w[detectors.UnknownWait], 0, 0, d)
	}
	if n == 0 {
		return
	}
	f := float64(n)
	fmt.Fprintf(b, "| %s | %d, %d | %s | %s | %s | %s | %s | %s | %.1f | %.1f |\n", kind, n, wrong, waitTaps[tap],
		app[0].text(f), app[1].text(f), window.text(f), buffer.text(f), loss.text(f), network.ours/f, unknown.ours/f)
}

// shares are percentages of durations: their sums, and the largest error.
type shares struct{ truth, ours, worst float64 }

func (s *shares) add(ours, least, most int64, percent float64) {
	s.truth += float64(least) / percent
	s.ours += float64(ours) / percent
	s.worst = max(s.worst, float64(least-ours)/percent, float64(ours-most)/percent)
}

func (s *shares) text(n float64) string {
	if s.truth == 0 && s.ours == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f / %.1f (%.1f)", s.truth/n, s.ours/n, s.worst)
}
