package waits

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// frameID is a frame among all inputs.
type frameID struct {
	file  uint16
	frame uint32
}

// A Stretch is time without a break that belongs to one wait.
type Stretch struct {
	Wait       detectors.Wait
	File       [2]uint16 // of the frames
	Frame      [2]uint32 // the last one before it, and the one that ended it
	Start, End int64     // nanoseconds since 1970
}

// Told has the functions that are called with what accounts find, unless they are nil.
// What they are given is valid during the call only.
type Told struct {
	Stretch  func(a *Account, x *Stretch)
	Exchange func(a *Account, x *detectors.Exchange)
	Transfer func(a *Account, t *detectors.Transfer)

	// Prompt says that prompt answers are reported, too; else only after one that was not.
	Prompt bool

	exchange detectors.Exchange // room for what is told, so that it costs no allocation
	transfer detectors.Transfer
	last     reassembly.Segment // the same for what stands for the end of a connection

	aside
}

// turnTo has what is told be of the account, of which no record is kept.
func (t *Told) turnTo(account uint32) {
	if t.Stretch == nil {
		return
	}
	if t.now = t.latest[account]; t.now == nil {
		if t.latest == nil {
			t.latest = map[uint32]*ongoing{}
		}
		t.now = new(ongoing)
		t.latest[account] = t.now
	}
}
