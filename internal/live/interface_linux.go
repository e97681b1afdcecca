//go:build !libpcap

package live

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// linkState is the state of the interface.
type linkState uint8

const (
	linkUp linkState = iota
	linkDown
	linkGone
)

// lookEvery is the interval of checks of the interface.
const lookEvery = 500 * time.Millisecond

// look returns a sentence if the state of the interface has changed. If it has come
// back, look binds the same socket again: that needs no privileges, unlike opening
// another socket.
func (r *Ring) look() string {
	if r.any {
		return ""
	}
	before := r.state
	now, err := r.stateNow()
	switch {
	case err != nil:
		return fmt.Sprintf("%s is back, but capturing from it fails: %v", r.name, err)
	case now == before:
		return ""
	}
	r.state = now
	switch {
	case now == linkGone:
		return r.name + " has disappeared; waiting until it comes back"
	case now == linkDown && before == linkGone:
		return r.name + " is back, but down"
	case now == linkDown:
		return r.name + " is down"
	case before == linkGone:
		return r.name + " is back"
	}
	return r.name + " is up again"
}

// stateNow is the current state of the interface. It binds the socket again if
// needed.
func (r *Ring) stateNow() (linkState, error) {
	if !r.isBound() {
		index, err := indexOf(r.fd, r.name)
		if err != nil {
			return linkGone, nil
		}
		if err := r.rebind(index); err != nil {
			return linkGone, err
		}
	}
	flags, err := unix.NewIfreq(r.name)
	if err != nil {
		return linkGone, err
	}
	if unix.IoctlIfreq(r.fd, unix.SIOCGIFFLAGS, flags) == nil && flags.Uint16()&unix.IFF_UP == 0 {
		return linkDown, nil
	}
	return linkUp, nil
}

// isBound reports whether the socket is still bound: Linux unbinds it when the
// interface disappears.
func (r *Ring) isBound() bool {
	addr, err := unix.Getsockname(r.fd)
	link, ok := addr.(*unix.SockaddrLinklayer)
	return err == nil && ok && int32(link.Ifindex) == r.index
}

func (r *Ring) rebind(index int32) error {
	device, err := deviceOf(r.fd, r.name)
	switch {
	case err != nil:
		return err
	case device != r.device:
		return fmt.Errorf("its device type is %d now, and was %d", device, r.device)
	}
	r.index = index
	return r.bind()
}
