package report

import (
	"github.com/tcptrace-go/tcptrace/internal/result"
	"testing"
)

// TestTapLine: a clock is faster or slower only if it is so by more than its speed is uncertain.
func TestTapLine(t *testing.T) {
	for _, x := range []struct {
		skew, uncertainty float64
		want              string
	}{
		{102.7, 102.6, ", and 102.7 ppm faster"},
		{-102.7, 102.6, ", and 102.7 ppm slower"},
		{102.7, 102.7, ""},
		{-102.7, 114.9, ""},
		{0.4, 0.1, ""},
	} {
		tap := result.Tap{Name: "m", Clock: result.Clock{HasOffset: true, HasSkew: true, Offset: 1e6, Uncertainty: 2e6, Skew: x.skew, SkewUncertainty: x.uncertainty}}
		if got, want := tapLine(&tap, false), "Tap m: its clock is 1 ms later, give or take 2 ms"+x.want+"."; got != want {
			t.Errorf("%v: %s", x, got)
		}
	}
}
