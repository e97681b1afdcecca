package pictures

import (
	"fmt"
	"strconv"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A chart is a quantity of one direction over time, below the sequence numbers and on
// their time axis.
type chart struct {
	heading string
	desc    string
	most    int64
	label   func(n, step int64) string
	unit    int64 // the axis has whole numbers of it, and fractions of ten
	lines   func(w *window) []line
}

// leastCharted is of how many segments with payload a quantity over time says more than
// the picture of their sequence numbers.
const leastCharted = 3

// charts are those that have something to show: throughput, round trips, and bytes in
// flight against the window.
func (s *Series) charts(sides []reassembly.Side, v *view) (plots []*plot) {
	for _, of := range [...]func(*direction, *view, reassembly.Side) *chart{(*direction).throughput, (*direction).roundTrips, (*direction).flight} {
		for _, side := range sides {
			if s.sent[side].segments.n < leastCharted {
				continue
			}
			if c := of(&s.sent[side], v, side); c.most > 0 {
				plots = append(plots, c.plot(v, "chart"+strconv.Itoa(len(plots))))
			}
		}
	}
	return plots
}

func (c *chart) plot(v *view, id string) *plot {
	w := timeWindow(v.x0, v.x1, v.columns)
	w.y1, w.height = c.most+c.most/8+1, plotLow
	p := &plot{
		canvas: canvas{Base: plotTop + plotLow, columns: w.columns}, Inner: plotLow, window: w,
		ID: id, Heading: c.heading, Desc: c.desc, Columns: timeTicks(&w, v.Zero), Lines: c.lines(&w),
	}
	step := roundStep(w.y1*tickApart/plotLow, c.unit)
	for n := int64(0); n < w.y1; n += step {
		t := tick{Y: w.pixel(n), Text: c.label(n, step)}
		p.Rows, p.Axis = append(p.Rows, t), max(p.Axis, axisWidth(t.Text))
	}
	p.shade(v)
	return p
}

// rateColumns is in how many equal parts of the time throughput is counted.
const rateColumns = 120

func (d *direction) throughput(v *view, side reassembly.Side) *chart {
	width := (v.x1-v.x0)/rateColumns + 1
	var bytes [rateColumns + 1]int64
	for i := range d.cells {
		c := &d.cells[i]
		bytes[min(max(c.at-v.x0, 0)/width, rateColumns)] += c.carried
	}
	c := &chart{heading: "Throughput of what " + v.Names[side] + " sent", unit: 1, label: func(n, _ int64) string { return rate(n) }}
	for i := range bytes {
		bytes[i] = int64(float64(bytes[i]) * 1e9 / float64(width))
		c.most = max(c.most, bytes[i])
	}
	c.desc = fmt.Sprintf("Payload with what was sent again, counted over %s: at most %s.", quantity.Duration(width), rate(c.most))
	c.lines = func(w *window) []line {
		var s stair
		for i, n := range bytes {
			s.step(w.column(v.x0+int64(i)*width), w.row(n))
		}
		return []line{{"sent", s.end(w.column(v.x1))}}
	}
	return c
}

// rate is bytes for each second as an axis has them: "1.2 MB/s".
func rate(n int64) string {
	for _, u := range [...]struct {
		name string
		size int64
	}{{" GB/s", 1e9}, {" MB/s", 1e6}, {" kB/s", 1e3}} {
		if n >= u.size {
			return strconv.FormatFloat(float64(n)/float64(u.size), 'g', 3, 64) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B/s"
}

func (d *direction) roundTrips(v *view, side reassembly.Side) *chart {
	c := &chart{heading: "Round trip of what " + v.Names[side] + " sent, as the capture point sees it", unit: 1, label: func(n, _ int64) string { return quantity.Duration(n) }}
	least := int64(0)
	for i := range d.cells {
		if r := &d.cells[i].rtt; r.hi > 0 {
			if c.most == 0 || r.lo < least {
				least = r.lo
			}
			c.most = max(c.most, r.hi-1)
		}
	}
	c.desc = fmt.Sprintf("From a segment to its ACK, retransmissions aside: %s to %s.", quantity.Duration(least), quantity.Duration(c.most))
	c.lines = func(w *window) []line {
		var p pen
		for i := range d.cells {
			if r := &d.cells[i].rtt; r.hi > 0 {
				x := w.column(d.cells[i].at)
				p.dot(x, w.row(r.hi-1))
				p.dot(x, w.row(r.lo))
			}
		}
		return []line{{"dot rtt", string(p)}}
	}
	return c
}

func (d *direction) flight(v *view, side reassembly.Side) *chart {
	c := &chart{
		heading: "Bytes in flight from " + v.Names[side] + ", and the window that " + v.Names[side.Peer()] + " offered (dashed)",
		unit:    1, label: bytesAt,
	}
	var offered int64
	for i := range d.cells {
		c.most, offered = max(c.most, d.cells[i].inFlight), max(offered, d.cells[i].offered.hi-1)
	}
	if c.most == 0 {
		return c
	}
	c.desc = fmt.Sprintf("At most %s in flight, a window of at most %s.", quantity.Count(uint64(c.most), "byte"), quantity.Count(uint64(offered), "byte"))
	if offered <= 4*c.most { // further away, it limited nothing, and what was in flight would be a flat line
		c.most = max(c.most, offered)
	}
	c.lines = func(w *window) []line {
		var sent, edge stair
		var last int
		var top int64 // of what was sent
		for i := range d.cells {
			x := &d.cells[i]
			top = max(top, x.sent.hi)
			last = w.column(x.at)
			if x.known {
				edge.step(last, w.row(x.edge-x.ack))
			}
			switch {
			case x.inFlight > 0:
				sent.step(last, w.row(x.inFlight))
			case x.known:
				sent.step(last, w.row(max(top-x.ack, 0)))
			}
		}
		return []line{{"edge", edge.end(last)}, {"sent", sent.end(last)}}
	}
	return c
}
