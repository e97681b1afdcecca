package live

import (
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// A Source gives frames as they come: a Ring.
type Source interface {
	// Next reads the next frame that has come, and is false if there is none.
	Next(*capture.Frame) bool
	// Match reports whether a frame passes the filter.
	Match(*capture.Frame) bool
	// Wait waits for frames, Wake, or until d has passed, and tells what has
	// become of the interface.
	Wait(d time.Duration) (news string)
	// Wake ends a Wait, from any goroutine.
	Wake()
	// Drops is how many frames were lost for want of room, so far.
	Drops() uint64
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Any is the name that stands for all interfaces.
const Any = "any"
