package live

import (
	"math"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A million frames a second are 2^32 in 72 minutes: the numbers begin again, and that is
// said once.
func TestLoop_numbersBeginAgain(t *testing.T) {
	var warned []string
	l := &Loop{
		frames: math.MaxUint32 - 2, Engine: engine.NewLive(engine.Options{}, func(result.Finding) {}),
		Warn: func(text string) { warned = append(warned, text) },
	}
	for at := range int64(6) {
		l.frame(&capture.Frame{At: 1 + at})
	}
	if len(warned) != 1 || warned[0] != capture.Renumbered || len(l.Input.Warnings) != 1 {
		t.Errorf("%q, and in the report %q", warned, l.Input.Warnings)
	}
}
