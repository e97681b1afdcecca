//go:build libpcap

package live

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/gopacket/pcap"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// turn is how long Next waits for a frame where none has come.
const turn = 10 * time.Millisecond

// Delay is how long a frame may take from its time stamp until Next has it.
const Delay = 100 * time.Millisecond

// ErrPermission says that this process may not capture.
var ErrPermission = errors.New("capturing is not permitted")

// A Ring is an interface that is captured from through libpcap, or Npcap on
// Windows: for the systems where there is no other way (-tags libpcap; needs
// cgo, but for Windows). An interface that goes is not picked up again.
type Ring struct {
	handle  *pcap.Handle
	name    string
	link    capture.LinkType
	program *filter.Program
	over    error
	told    bool
}

// Open begins to capture. The error is ErrPermission if that is what is missing.
func Open(o Options) (*Ring, error) {
	const whole = 1 << 18 // as tcpdump
	fail := func(err error) (*Ring, error) { return nil, fmt.Errorf("%s: %w", o.Interface, err) }
	h, err := pcap.NewInactiveHandle(o.Interface)
	if err != nil {
		return fail(err)
	}
	defer h.CleanUp()
	if err := firstError(h.SetSnapLen(whole), h.SetPromisc(o.Promiscuous && o.Interface != Any), h.SetTimeout(turn), h.SetImmediateMode(true)); err != nil {
		return fail(err)
	}
	r := &Ring{name: o.Interface}
	if r.handle, err = h.Activate(); err != nil {
		if strings.Contains(strings.ToLower(err.Error()), "permi") {
			return nil, ErrPermission
		}
		return fail(err)
	}
	r.link = capture.LinkType(r.handle.LinkType())
	if o.Filter != nil {
		if r.program, err = o.Filter(r.link); err != nil {
			r.handle.Close()
			return fail(err)
		}
	}
	return r, nil
}

// Next reads the next frame that has come into fr, and is false if there is
// none. The frame's bytes are valid until the next call. Its number and file
// are not set.
func (r *Ring) Next(fr *capture.Frame) bool {
	if r.over != nil {
		return false
	}
	data, info, err := r.handle.ZeroCopyReadPacketData()
	if err != nil {
		if err != pcap.NextErrorTimeoutExpired {
			r.over = err
		}
		return false
	}
	*fr = capture.Frame{At: info.Timestamp.UnixNano(), Link: r.link, Data: data, Len: info.Length}
	return true
}

// Wait has nothing to wait for: Next has waited already. It tells if the
// interface has gone.
func (r *Ring) Wait(d time.Duration) (news string) {
	switch {
	case r.over == nil:
		return ""
	case r.told:
		time.Sleep(min(d, turn))
		return ""
	}
	r.told = true
	return fmt.Sprintf("%s cannot be captured from any more: %v", r.name, r.over)
}

// Wake ends a Wait: it is over soon enough.
func (r *Ring) Wake() {}

// Match reports whether a frame passes the filter.
func (r *Ring) Match(fr *capture.Frame) bool {
	return r.program == nil || r.program.Match(fr.Data, fr.Len)
}

// Drops is how many frames libpcap or the interface had no room for, so far.
func (r *Ring) Drops() uint64 {
	stats, err := r.handle.Stats()
	if err != nil {
		return 0
	}
	return uint64(stats.PacketsDropped + stats.PacketsIfDropped)
}

// Link is how frames begin.
func (r *Ring) Link() capture.LinkType { return r.link }

// Close gives the handle back.
func (r *Ring) Close() error {
	r.handle.Close()
	return nil
}
