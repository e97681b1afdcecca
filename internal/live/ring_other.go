//go:build !linux && !libpcap

package live

import (
	"errors"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// Delay is how long a frame may take from its time stamp until Next has it.
const Delay = 100 * time.Millisecond

// ErrPermission says that this process may not capture.
var ErrPermission = errors.New("capturing is not permitted")

// A Ring is an interface that is captured from: only on Linux.
type Ring struct{ Source }

// Open says what to do instead.
func Open(Options) (*Ring, error) {
	return nil, errors.New("this build captures on Linux only: build with -tags libpcap, or pipe tcpdump: tcpdump -U -w - | tcptrace -")
}

// Link is how frames begin.
func (*Ring) Link() capture.LinkType { return 0 }

// Close gives the ring back.
func (*Ring) Close() error { return nil }
