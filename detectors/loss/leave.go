package loss

import "github.com/tcptrace-go/tcptrace/detectors"

// With loss, nearly every connection that closes in order has sent a few segments again, too few for a finding, and nothing is sent
// again after that: then nobody need remember them.

var (
	resenders      detectors.Spare[resender]
	reorderedSides detectors.Spare[reorderedSide]
)

// tooFew reports whether fewer segments were sent again than that.
func (a *resends) tooFew(least uint32) bool { return a.total.all()+a.pending.all() < least }

// Idle implements [detectors.Leaver].
func (w *retransmissions) Idle(r *detectors.Report) bool {
	if !detectors.ClosedInOrder(r.Conn) || w.icmp != [2]*detectors.ICMPErrors{} {
		return false
	}
	least := uint32(r.Value("min-resent"))
	for _, a := range w.sides {
		if a != nil && (a.stalled != &neverStalled || a.stall != nil || !a.tooFew(least)) {
			return false
		}
	}
	return true
}

// Leave implements [detectors.Leaver].
func (w *retransmissions) Leave() {
	for _, a := range w.sides {
		if a != nil {
			openRooms.giveBack(a.open)
			shownRooms.giveBack(a.shown.marks)
			resenders.Give(a)
		}
	}
}

// Idle implements [detectors.Leaver].
func (w *reordering) Idle(r *detectors.Report) bool {
	if !detectors.ClosedInOrder(r.Conn) {
		return false
	}
	least := uint32(r.Value("min-resent"))
	for _, a := range w.sides {
		if a != nil && !a.tooFew(least) {
			return false
		}
	}
	return true
}

// Leave implements [detectors.Leaver].
func (w *reordering) Leave() {
	for _, a := range w.sides {
		if a != nil {
			openRooms.giveBack(a.open)
			reorderedSides.Give(a)
		}
	}
}
