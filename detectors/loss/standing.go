package loss

import "github.com/tcptrace-go/tcptrace/reassembly"

// stands reports whether nothing has moved since something was last acknowledged: all that was sent by now had been sent when something was
// last sent again, before that. A keep-alive and its answer move nothing.
func (a *resender) stands(out *reassembly.Stream) bool {
	return a.probing && out.Nxt.AtOrBefore(a.probed) && a.unaAt != 0 && a.una == out.Una
}

// notesProbe takes when something that was sent again is acknowledged, before it is taken off what is pending.
func (a *resender) notesProbe(at int64) {
	if a.stall == nil && a.pending.by[tailProbe] > 0 && at-a.waiting >= int64(noticeable) {
		a.noteStalled().longProbe = true
	}
}
