package report

// A label is a mark's letters in a picture: X is a share of the plot's width, Y
// in pixels from the top of the picture.
type label struct {
	Class, Text string
	X, Anchor   string
	Y           int
}

const (
	labelChar   = 7.4 // width of a letter, pixels
	labelHeight = 12
	labelGap    = 5  // between a mark and its letters
	labelApart  = 10 // between letters that tell the same, so that the lines are seen
)

// A box is where letters stand on the narrowest screen; on any other there is
// more room between them.
type box struct {
	left, right float64
	y           int
	mark        mark
}

func (b box) overlaps(c box) bool {
	return b.left < c.right && c.left < b.right && b.y-c.y < labelHeight && c.y-b.y < labelHeight
}

// labels are the letters that fit: those of the rarest marks first, the others
// where there is room. Each mark has its dot in any case.
func (d *oneWay) labels(w *window) []label {
	var labels []label
	var taken []box
	free := func(b box, m mark) bool {
		for _, t := range taken {
			if t.mark == m {
				t.right += labelApart
			}
			if b.overlaps(t) {
				return false
			}
		}
		return true
	}
	for _, m := range [...]mark{markRST, markFIN, markSYN, markShut, markProbe, markResent, markKeepAlive, markUnsure, markLate} {
		for c := range d.columns(w) {
			if !c.marks.has(m) {
				continue
			}
			l, b := labelFor(m, w.column(c.at))
			for _, y := range labelHeights(w.pixel(c.place[m]), m, w.height) {
				if b.y = y; free(b, m) {
					l.Y = y
					taken, labels = append(taken, b), append(labels, l)
					break
				}
			}
		}
	}
	return labels
}

// labelFor is the label of a mark in a column, and its room without a height.
func labelFor(m mark, column int) (label, box) {
	sign := markSigns[m]
	l := label{Class: sign.class, Text: sign.sign, X: percent(column), Anchor: "middle"}
	x, width := float64(column)*phoneWidth/plotColumns, float64(len(sign.sign))*labelChar
	b := box{left: x - width/2, right: x + width/2, mark: m}
	switch {
	case b.left < 0:
		l.Anchor, b.left, b.right = "start", x, x+width
	case b.right > phoneWidth:
		l.Anchor, b.left, b.right = "end", x-width, x
	}
	return l, b
}

// labelHeights are where the letters may stand, the best place first: above the
// mark, or below it. What happens once, and must be told, may move further.
func labelHeights(y int, m mark, height int) []int {
	above, below := y-labelGap, y+labelGap+labelHeight-3
	var heights []int
	switch m {
	case markProbe: // Z is above
		heights = []int{below}
	case markRST, markFIN, markSYN:
		heights = []int{above, below, above - labelHeight, below + labelHeight}
	default:
		heights = []int{above, below}
	}
	kept := heights[:0]
	for _, h := range heights {
		if h >= plotTop+labelHeight-3 && h <= plotTop+height-2 {
			kept = append(kept, h)
		}
	}
	return kept
}
