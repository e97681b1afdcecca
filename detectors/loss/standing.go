package loss

import "github.com/tcptrace-go/tcptrace/reassembly"

// stands reports whether nothing has moved since something was last acknowledged: all that was sent by now had been sent when something was
// last sent again, before that. A keep-alive and its answer move nothing.
func (a *resender) stands(out *reassembly.Stream) bool {
	return a.probing && out.Nxt.AtOrBefore(a.probed) && a.unaAt != 0 && a.una == out.Una
}
