package detectors

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Did the same device send it? A segment accuses a host only if it came from where the host's other segments came from. Two devices on
// the capture's link may both be right: routers that share the load (ECMP), or of which one took over (RFC 9568). So another
// link-layer address takes the blame away, and accuses nobody.

// OtherDevice says that a segment, which is called what, came from another device than all that its side, called name, had sent before
// it.
func OtherDevice(what string, m *reassembly.Mark, name fmt.Stringer) string {
	return fmt.Sprintf(" %s (frame %d) came from another device than all that %v had sent before (another source MAC address): either may have been sent by somebody else in its name.",
		what, m.Frame, name)
}

// TwoDevices says that a segment, which is called what, and a later one of its side came from two devices.
func TwoDevices(what string, m, later *reassembly.Mark) string {
	return fmt.Sprintf(" %s (frame %d) and frame %d came from two devices (two source MAC addresses): another host may have the same address, or somebody else sent one of them in its name.",
		what, m.Frame, later.Frame)
}

// OtherTTL says by their TTLs whether another host than that of the side's segment last sent m, though paths vary by a hop: not between none and one.
func OtherTTL(last, m *reassembly.Mark) bool {
	return (fsm.Habits{}).OtherTTL(last, m) || fsm.Unrouted(last.TTL) != fsm.Unrouted(m.TTL)
}

// Asker is the device that sends for the side, if it is known: where it sends for the peer as well, the addresses are not those of
// devices, but come from a program that converted the capture.
func (r *Report) Asker(side reassembly.Side) fsm.Device {
	d := r.Conn.IPHabits(side).Device
	if d == r.Conn.IPHabits(side.Peer()).Device {
		return fsm.NoDevice
	}
	return d
}
