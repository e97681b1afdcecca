package live

import (
	"math"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A million frames a second are 2^32 in 72 minutes: numbers go on after that.
func TestLoop_numbersBeginAgain(t *testing.T) {
	l := &Loop{
		frames: math.MaxUint32 - 2, Engine: engine.NewLive(engine.Options{}, func(result.Finding) {}),
		Input: result.Capture{Turns: stats.Turns{0}}, Warn: func(text string) { t.Error(text) },
	}
	for at := range int64(6) {
		l.frame(&capture.Frame{At: 1 + at})
	}
	r := result.Report{Captures: l.Captures()}
	if n := r.FrameNumber(0, 3, 6); n != 1<<32+3 {
		t.Errorf("the last frame is %d", n)
	}
	if n := r.FrameNumber(0, math.MaxUint32, 2); n != math.MaxUint32 {
		t.Errorf("the second frame is %d", n)
	}
}
