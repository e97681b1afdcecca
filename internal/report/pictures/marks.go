package pictures

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A mark is what a picture shows of a single segment, with the letters of
// Ostermann's tcptrace and xplot where they have one.
type mark uint8

const (
	markSYN mark = iota
	markResent
	markDupAck
	markOutOfOrder
	markKeepAlive
	markAmbiguous
	markProbe
	markZeroWindow
	markFIN
	markRST
	numMarks
)

// Signs are the letters in pictures, the class that paints them, and what they
// mean.
var Signs = [numMarks]struct{ Sign, Class, Meaning string }{
	markSYN:        {"SYN", "syn", "SYN"},
	markResent:     {"R", "resent", "retransmission"},
	markDupAck:     {"D", "dup", "duplicate ACK"},
	markOutOfOrder: {"O", "late", "out of order"},
	markKeepAlive:  {"K", "alive", "keep-alive"},
	markAmbiguous:  {"K?", "alive", "probe or keep-alive: the window is unknown"},
	markProbe:      {"P", "probe", "zero-window probe"},
	markZeroWindow: {"Z", "shut", "zero window advertised"},
	markFIN:        {"FIN", "fin", "FIN"},
	markRST:        {"RST", "rst", "RST"},
}

// A markSet is a bit for each mark.
type markSet uint16

func (s markSet) has(m mark) bool { return s&(1<<m) != 0 }

// marksOf are the marks of a segment in the picture of its sender's direction.
func marksOf(class fsm.Class, flags reassembly.Flags) (s markSet) {
	add := func(m mark, is bool) {
		if is {
			s |= 1 << m
		}
	}
	add(markResent, class == fsm.Retransmission)
	add(markOutOfOrder, class == fsm.OutOfOrder)
	add(markKeepAlive, class == fsm.KeepAlive)
	add(markAmbiguous, class == fsm.Ambiguous)
	add(markProbe, class == fsm.Probe)
	add(markSYN, flags.Has(reassembly.SYN))
	add(markFIN, flags.Has(reassembly.FIN))
	add(markRST, flags.Has(reassembly.RST))
	return s
}

// A label is a mark's letters: X is a share of the plot's width, Y the mark's height in
// pixels from the top of the picture, DY how far below it the letters stand.
type label struct {
	Class, Text string
	X, Anchor   string
	Y, DY       int
}

const (
	labelChar   = 7.4 // width of a letter, pixels
	labelHeight = 12
	labelGap    = 5  // between a mark and its letters
	labelApart  = 10 // between the same letters twice, so that the lines stay visible
)

// A box is the room of a label on the narrowest screen; on any other there is
// more space between labels.
type box struct {
	left, right float64
	y           int
	mark        mark
}

func (b box) overlaps(c box) bool {
	return b.left < c.right && c.left < b.right && b.y-c.y < labelHeight && c.y-b.y < labelHeight
}

// labels are the letters that fit, the rarest marks first. Each mark has its dot
// in any case.
func labels(w *window, columns []cell) (labels []label) {
	var taken []box
	fits := func(b box) bool {
		for _, t := range taken {
			if t.mark == b.mark {
				t.right += labelApart
			}
			if b.overlaps(t) {
				return false
			}
		}
		return true
	}
	for _, m := range [...]mark{markRST, markFIN, markSYN, markZeroWindow, markProbe, markResent, markDupAck, markKeepAlive, markAmbiguous, markOutOfOrder} {
		for i := range columns {
			c := &columns[i]
			if !c.marks.has(m) {
				continue
			}
			l, b := labelFor(m, w, w.column(c.at))
			for _, y := range labelHeights(w.pixel(c.offset[m]), m, w.height) {
				if b.y = y; fits(b) {
					l.Y, l.DY = w.pixel(c.offset[m]), y-w.pixel(c.offset[m])
					taken, labels = append(taken, b), append(labels, l)
					break
				}
			}
		}
	}
	return labels
}

// labelFor is the label of a mark in a column, and its box without a height.
func labelFor(m mark, w *window, column int) (label, box) {
	sign := Signs[m]
	width := float64(len(sign.Sign)) * labelChar
	anchor, left := w.anchored(column, width)
	return label{Class: sign.Class, Text: sign.Sign, X: w.percent(column), Anchor: anchor}, box{left: left, right: left + width, mark: m}
}

// labelHeights are the heights at which the letters may stand, the best first:
// above the mark or below it. SYN, FIN and RST are rare and must be shown: they
// may move further.
func labelHeights(y int, m mark, height int) (heights []int) {
	above, below := y-labelGap, y+labelGap+labelHeight-3
	candidates := []int{above, below}
	switch m {
	case markProbe: // Z is above
		candidates = []int{below}
	case markRST, markFIN, markSYN:
		candidates = []int{above, below, above - labelHeight, below + labelHeight}
	}
	for _, h := range candidates {
		if h >= plotTop+labelHeight-3 && h <= plotTop+height-2 {
			heights = append(heights, h)
		}
	}
	return heights
}
