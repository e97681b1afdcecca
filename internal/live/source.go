package live

import (
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// A Source is a source of live frames: a Ring.
type Source interface {
	// Next reads the next frame. It returns false if there is none yet.
	Next(*capture.Frame) bool
	// Match reports whether a frame passes the filter.
	Match(*capture.Frame) bool
	// Wait waits until there are frames, Wake is called, or d has passed. If the
	// state of the interface has changed, it returns a sentence about that.
	Wait(d time.Duration) (news string)
	// Wake ends a Wait, from any goroutine.
	Wake()
	// Drops is the number of frames that were dropped so far.
	Drops() uint64
}

// Any is the name of all interfaces together.
const Any = "any"
