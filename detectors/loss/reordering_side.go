package loss

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A reorderedSide is a side that sends, once a hole was shown.
type reorderedSide struct {
	resends
	before, behind overtaken
	lateCount      uint32                // segments that were captured late
	counted        uint32                // of these, as many whose IP identification follows what was captured before them
	late           *[32]reassembly.Block // the latest of these; nil if there were none
}

// overtaken are segments that were sent again unnecessarily, because others overtook the originals.
type overtaken struct {
	n     uint32
	of    uint32              // the frame that had been sent again unnecessarily
	proof *detectors.Evidence // the first time that it showed; nil if it did not
}

// prove counts one, and keeps the first proof.
func (o *overtaken) prove(role string, seg *reassembly.Segment, of uint32) {
	if o.n++; o.proof == nil {
		o.proof, o.of = &detectors.Evidence{Role: role, Seg: *seg}, of
	}
}

// cameLater takes a segment that was captured late. counted says that by its IP identification it was sent in this order. A
// second copy that was itself overtaken is no late original.
func (a *reorderedSide) cameLater(ev fsm.Event, counted bool, r *detectors.Report) {
	o, is := a.cameLate(ev)
	if ev.Place == reassembly.Repeat && !is {
		return
	}
	if a.late == nil {
		a.late = new([32]reassembly.Block)
	}
	a.late[a.lateCount%uint32(len(a.late))] = reassembly.Block{From: ev.Seg.Seq, To: ev.Seg.End()}
	if a.lateCount++; counted {
		a.counted++
	}
	a.goesUntil(ev.Seg.At, r)
	if is && o.trigger == fast {
		a.before.prove("the original, captured late", ev.Seg, o.frame)
	}
}

// unneeded takes proof that a block had been sent again unnecessarily, in the given frame. It was overtaken before the tap if it
// was captured late; behind it if it was captured, and its receiver missed it (asked).
func (a *reorderedSide) unneeded(role string, seg *reassembly.Segment, b reassembly.Block, frame uint32, asked bool) {
	switch {
	case a.wasLate(b):
		a.before.prove(role, seg, frame)
	case asked:
		a.behind.prove(role, seg, frame)
	}
}

// wasLate reports whether any of the block is among what was captured late.
func (a *reorderedSide) wasLate(b reassembly.Block) bool {
	return a.late != nil && slices.ContainsFunc(a.late[:min(a.lateCount, uint32(len(a.late)))], b.Meets)
}

// asksFor reports whether the receiver missed the block when it last showed a hole: it lies before what SACK had then.
func (a *resends) asksFor(b reassembly.Block) bool {
	for _, s := range a.sacked[:a.sacks] {
		if s.From.Before(b.To) {
			return false
		}
	}
	return a.hole.Holds(b)
}
