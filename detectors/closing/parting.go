package closing

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a side sends last before its FIN may only say goodbye: then it belongs to closing.

// mayPart reports whether the payload may be a close_notify.
func mayPart(m *reassembly.Mark, r *detectors.Report) bool {
	return services.MayBeCloseNotify(r.Conn.Endpoint(reassembly.A).Port, m.Len) || services.MayBeCloseNotify(r.Conn.Endpoint(reassembly.B).Port, m.Len)
}

// parts reports whether the segment is a FIN that comes with the payload, or right behind it.
func parts(payload, m *reassembly.Mark) bool {
	return m.Flags&reassembly.FIN != 0 && (detectors.SameFrame(payload, m) || m.Len == 0 && m.Seq == payload.End())
}

// parting is the last payload of the open side, if it may be a goodbye, and how things stood before it.
type parting struct {
	seg          reassembly.Mark
	since, pause int64
	busy         int
}

// mayPart notes payload of the open side that may be a goodbye, if nothing kept it from closing before.
func (w *closeWaitLeak) mayPart(ev fsm.Event, r *detectors.Report) {
	m := reassembly.MarkOf(ev.Seg)
	w.parting = parting{}
	if ev.Kind != fsm.DataSent || !mayPart(&m, r) || w.unheard >= minUnheard || r.Conn.Window(w.closer).Shut {
		return
	}
	if out := r.Conn.Stream(ev.Side); out.InFlight() == m.SeqLen() {
		w.parting = parting{m, w.due[0].Since(), w.pause, w.busy}
	}
}
