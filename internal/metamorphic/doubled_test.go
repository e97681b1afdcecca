package metamorphic

import (
	"slices"
	"testing"
)

// A mirror port captures each frame twice, microseconds split.
func TestDoubled(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		if c.hasDuplicates() || c.fallsSilent() {
			return
		}
		for _, later := range []int64{0, 3e3, 900e3} {
			checkTwice(t, c, func(f *frame) { f.at += later })
		}
	})
}

// Two taps: the second sees a frame after a router, or in a VLAN.
func TestDoubledFurtherOn(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		if c.hasDuplicates() || c.fallsSilent() {
			return
		}
		checkTwice(t, c, func(f *frame) { f.at += 40e3; f.routed() })
		checkTwice(t, c, func(f *frame) { f.at += 40e3; f.tagged(99) })
		checkTwice(t, c, func(f *frame) { f.at += 40e3; f.routed(); f.tagged(99) })
	})
}

// The same in two files.
func TestTwoTaps(t *testing.T) {
	forEach(t, 4, func(t *testing.T, c *conversation) {
		if c.hasDuplicates() || c.fallsSilent() || c.goesBack() {
			return
		}
		second := c.notBeyondEnd(changed(c.frames, func(f *frame) { f.at += 40e3; f.routed(); f.tagged(99) }))
		same := func(_ uint16, frame uint32) uint32 { return frame }
		near, far := plain.pcap(c.frames), plain.pcap(second)
		c.plain.sameFindings(t, summarise(analyseFiles(t, near, far), same))
		c.plain.sameFindings(t, summarise(analyseFiles(t, far, near), same))
	})
}

// checkTwice wants the same findings if each frame comes twice, the second time
// changed.
func checkTwice(t *testing.T, c *conversation, again func(*frame)) {
	t.Helper()
	duplicates := c.notBeyondEnd(changed(c.frames, again))
	var both []frame
	for i := range c.frames {
		both = append(both, c.frames[i], duplicates[i])
	}
	rep, err := analyse(plain.pcap(both))
	if err != nil {
		t.Fatal(err)
	}
	c.plain.sameFindings(t, summarise(rep, func(_ uint16, frame uint32) uint32 { return (frame + 1) / 2 }))
}

// notBeyondEnd moves duplicates that would come after the last frame, and make the
// trace longer.
func (c *conversation) notBeyondEnd(duplicates []frame) []frame {
	var end int64
	for i := len(duplicates) - 1; i >= 0; i-- {
		end = max(end, c.frames[i].at)
		duplicates[i].at = min(duplicates[i].at, end)
	}
	return duplicates
}

// routed is what a router does to a frame.
func (f *frame) routed() {
	f.mac = [12]byte{2, 9, 9, 9, 9, f.mac[5], 2, 8, 8, 8, 8, f.mac[11]}
	if f.is6() {
		f.packet[7]--
	} else {
		f.packet[8]--
	}
}

// tagged puts the frame into a VLAN.
func (f *frame) tagged(vlan byte) {
	f.tags = slices.Concat([]byte{typeVLAN >> 8, typeVLAN & 0xff, 0, vlan}, f.tags)
}
