package path

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
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
