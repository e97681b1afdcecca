package path

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// icmpBySide are the ICMP errors about what each side sent, nil where there were none.
type icmpBySide [2]*detectors.ICMPErrors

// add takes the error of an event.
func (all *icmpBySide) add(ev fsm.Event) {
	if all[ev.Side] == nil {
		all[ev.Side] = new(detectors.ICMPErrors)
	}
	all[ev.Side].Add(ev.Seg)
}

// since are the errors about the side's segments if any came at or after trace time at,
// nil if none did.
func (all *icmpBySide) since(side reassembly.Side, at int64) *detectors.ICMPErrors {
	if e := all[side]; e.Since(at) {
		return e
	}
	return nil
}
