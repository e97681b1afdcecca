package flowcontrol

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// briefStall is how long a window must be closed for its reader to be called hung:
// one that is merely slow opens it sooner.
const briefStall = 10 * time.Second

// A blockage is what a receiver's own segments show of why its window is closed. As a
// rule they show nothing: its buffer is full of data that its application has not
// read.
type blockage struct {
	missing   uint32 // bytes of the hole at RCV.NXT: the application cannot read beyond it
	held      uint32 // bytes beyond the hole that the receiver has, by SACK (RFC 2018)
	frame     uint32 // the segment that said so
	retracted uint32 // bytes in flight when the receiver took back the window for them
}

// note notes what a segment of the receiver with window 0 says. One without SACK
// says that nothing lies beyond RCV.NXT any more (RFC 2018 4).
func (b *blockage) note(seg *reassembly.Segment) {
	if seg.Window != 0 || !seg.Flags.Has(reassembly.ACK) || seg.Opts.Has&reassembly.OptionsCut != 0 {
		return
	}
	b.missing, b.held = 0, 0
	for _, block := range seg.Opts.Blocks[:seg.Opts.NBlocks] {
		if !block.From.After(seg.Ack) || !block.From.Before(block.To) { // a D-SACK, or none
			continue
		}
		if gap := uint32(block.From - seg.Ack); b.missing == 0 || gap < b.missing {
			b.missing = gap
		}
		b.held += uint32(block.To - block.From)
		b.frame = seg.Frame
	}
}

// sentence says why the window of the named receiver was still closed after it had been
// for so many nanoseconds.
func (b *blockage) sentence(receiver, sender string, closed int64) string {
	switch {
	case b.missing > 0:
		return fmt.Sprintf(" %s holds %s beyond a hole of %s (frame %d): its application cannot read them, and its TCP does not accept what fills the hole.",
			receiver, detectors.Counted(b.held, "byte", "bytes"), detectors.Counted(b.missing, "byte", "bytes"), b.frame)
	case b.retracted > 0:
		return fmt.Sprintf(" When %s closed its window, it took back %s that %s already had in flight: its TCP is short of buffer memory, whether or not its application reads.",
			receiver, detectors.Counted(b.retracted, "byte", "bytes"), sender)
	case closed < int64(briefStall):
		return fmt.Sprintf(" That is too soon to say that the application on %s hangs.", receiver)
	}
	return fmt.Sprintf(" The application on %s is not reading.", receiver)
}

// advise gives the finding another cause and action where those of its detector do not
// fit.
func (b *blockage) advise(f *detectors.Finding, closed int64) {
	switch {
	case b.missing > 0:
		f.Cause = "The receiver's buffer is full of data that arrived out of order. The application cannot read it until the hole before it is " +
			"filled, and the receiver's TCP drops the segment that would fill it, because its window is closed: a TCP " +
			"that gives the last of its buffer to data out of order blocks itself."
		f.Action = "Look at the receiver's TCP, not at its application: buffer size (SO_RCVBUF, tcp_rmem), memory pressure (tcp_mem; pruned and collapsed in netstat -s), " +
			"and known faults of its version. Find out where the missing segment was lost in the first place. Closing the connection ends the wait."
	case b.retracted > 0:
		f.Cause = "The receiver took back window that the sender had already used, and dropped that data. It sizes its window by the memory that it has left: " +
			"a buffer too small for what segments occupy in memory, memory pressure, or net.ipv4.tcp_shrink_window. Or a device rewrites windows. " +
			"If the window stays closed, the application may not read either."
		f.Action = "Check the receiver's buffer (SO_RCVBUF, tcp_rmem) and its memory (tcp_mem; pruned and collapsed in netstat -s) first, then whether its application reads."
	case closed < int64(briefStall):
		f.Cause = "The receiver's buffer is full: data comes faster than its application takes it."
		f.Action = "None, unless it happens often or the window stays closed: capture for longer. If it stays closed, find out what the receiving process waits for."
	}
}
