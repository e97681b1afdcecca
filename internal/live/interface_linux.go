//go:build !libpcap

package live

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// linkState is what is known of the interface.
type linkState uint8

const (
	linkUp linkState = iota
	linkDown
	linkGone
)

// lookEvery is how often the interface is looked at.
const lookEvery = 500 * time.Millisecond

// look tells if the interface has gone, come back, gone down or up. To one that
// came back the same socket is bound again: binding needs no privileges, and
// opening another socket would.
func (r *Ring) look() string {
	if r.any {
		return ""
	}
	before := r.state
	now, err := r.stateNow()
	switch {
	case err != nil:
		return fmt.Sprintf("%s is back, but cannot be captured from: %v", r.name, err)
	case now == before:
		return ""
	}
	r.state = now
	switch {
	case now == linkGone:
		return r.name + " is gone; waiting until it comes back"
	case now == linkDown && before == linkGone:
		return r.name + " is back, and down"
	case now == linkDown:
		return r.name + " is down"
	case before == linkGone:
		return r.name + " is back"
	}
	return r.name + " is up again"
}

// stateNow is the state of the interface, bound again if need be.
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

// isBound reports whether the interface still exists that the socket was bound
// to: Linux unbinds it when the interface goes.
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
		return fmt.Errorf("it is a device of type %d now, and was one of type %d", device, r.device)
	}
	r.index = index
	return r.bind()
}
