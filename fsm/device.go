package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// A Device is a short hash of the link-layer address of the device on the capture's link that sent a segment: the host, or
// the router from which its packets come. Two that differ are two devices, which may both forward a host's
// packets; of 254 pairs of devices, one has the same hash.
type Device uint8

// What is no hash. Decoders make none that begins with these.
const (
	NoDevice Device = iota // not known: no Ethernet, or zeros, as on Linux's loopback interface
	mixed                  // several, or other capture points than the first, to which the same host's packets come from other devices
)

// DeviceOf is the device that sent the segment.
func DeviceOf(seg *reassembly.Segment) Device {
	if seg.Tap != 0 {
		return mixed
	}
	return Device(seg.Link >> 24)
}

// Hash is the hash, 0 if there is none.
func (d Device) Hash() uint8 {
	if d <= mixed {
		return 0
	}
	return uint8(d)
}

// OtherDevice reports whether the segment comes from another device than all of its side before it.
func (h Habits) OtherDevice(seg *reassembly.Segment) bool { return h.Device.Differs(DeviceOf(seg)) }

// Differs reports whether the two are known, and not the same.
func (d Device) Differs(o Device) bool { return d > mixed && o > mixed && d != o }
