//go:build !linux && !libpcap

package live

import (
	"errors"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// Delay is the maximum time from a frame's timestamp until Next can return it.
const Delay = 100 * time.Millisecond

// ErrPermission is returned if this process is not allowed to capture.
var ErrPermission = errors.New("capturing is not permitted")

// A Ring captures from an interface, only on Linux.
type Ring struct{ Source }

// Open returns an error that says what to do instead.
func Open(Options) (*Ring, error) {
	return nil, errors.New("this build captures on Linux only: build with -tags libpcap, or pipe tcpdump: tcpdump -U -w - | tcptrace -")
}

// Link is the link type of the frames.
func (*Ring) Link() capture.LinkType { return 0 }

// Close closes the ring.
func (*Ring) Close() error { return nil }
