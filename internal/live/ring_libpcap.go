//go:build libpcap

package live

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/gopacket/pcap"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// nextWait is how long Next waits for a frame if there is none.
const nextWait = 10 * time.Millisecond

// Delay is the maximum time from a frame's timestamp until Next can return it.
const Delay = 100 * time.Millisecond

// ErrPermission is returned if this process is not allowed to capture.
var ErrPermission = errors.New("capturing is not permitted")

// A Ring captures from an interface through libpcap, or Npcap on Windows, for
// systems without a better way (-tags libpcap; needs cgo, except on Windows). If
// the interface disappears, the capture does not resume.
type Ring struct {
	handle  *pcap.Handle
	name    string
	link    capture.LinkType
	program *filter.Program
	ended   error
	warned  bool
}

// Open starts to capture. The error is ErrPermission if the process lacks that.
func Open(o Options) (*Ring, error) {
	const whole = 1 << 18 // as tcpdump
	fail := func(err error) (*Ring, error) { return nil, fmt.Errorf("%s: %w", o.Interface, err) }
	h, err := pcap.NewInactiveHandle(o.Interface)
	if err != nil {
		return fail(err)
	}
	defer h.CleanUp()
	if err := cmp.Or(h.SetSnapLen(whole), h.SetPromisc(o.Promiscuous && o.Interface != Any), h.SetTimeout(nextWait), h.SetImmediateMode(true)); err != nil {
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

// Next reads the next frame into fr. It returns false if there is none yet. The
// frame's bytes are valid until the next call; its number and file are not set.
func (r *Ring) Next(fr *capture.Frame) bool {
	if r.ended != nil {
		return false
	}
	data, info, err := r.handle.ZeroCopyReadPacketData()
	if err != nil {
		if err != pcap.NextErrorTimeoutExpired {
			r.ended = err
		}
		return false
	}
	*fr = capture.Frame{At: info.Timestamp.UnixNano(), Link: r.link, Data: data, Len: info.Length}
	return true
}

// Wait does not wait for frames, because Next has done so. If the interface has
// disappeared, it returns a sentence about that.
func (r *Ring) Wait(d time.Duration) (news string) {
	switch {
	case r.ended == nil:
		return ""
	case r.warned:
		time.Sleep(min(d, nextWait))
		return ""
	}
	r.warned = true
	return fmt.Sprintf("cannot capture from %s any more: %v", r.name, r.ended)
}

// Wake does nothing: a Wait is short.
func (r *Ring) Wake() {}

// Match reports whether a frame passes the filter.
func (r *Ring) Match(fr *capture.Frame) bool {
	return r.program == nil || r.program.Match(fr.Data, fr.Len)
}

// Drops is the number of frames that libpcap or the interface has dropped so far.
func (r *Ring) Drops() uint64 {
	stats, err := r.handle.Stats()
	if err != nil {
		return 0
	}
	return uint64(stats.PacketsDropped + stats.PacketsIfDropped)
}

// Link is the link type of the frames.
func (r *Ring) Link() capture.LinkType { return r.link }

// Close closes the handle.
func (r *Ring) Close() error {
	r.handle.Close()
	return nil
}
