package shard

import (
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// maxOpenings bounds the connections that a shard knows of others.
const maxOpenings = 10_000

// related are the connections that each shard should know of others, by capture point: those
// that began with the same number as one of its own.
func (w *writer) related(of *engine.Whole) [][][]stats.Opening {
	all := make([][][]stats.Opening, len(w.files))
	points := [][]engine.Opened{of.Openings}
	if len(of.Points) > 0 {
		points = nil
		for i := range of.Points {
			points = append(points, of.Points[i].Openings)
		}
	}
	for point, openings := range points {
		in := map[reassembly.Seq]map[int]bool{} // shards that have one with this number
		route := func(o *engine.Opened) int {
			return w.shardOf(w.route(&reassembly.Segment{Src: o.End[0], Dst: o.End[1]}))
		}
		for i := range openings {
			o := &openings[i]
			if in[o.ISS[0]] == nil {
				in[o.ISS[0]] = map[int]bool{}
			}
			in[o.ISS[0]][route(o)] = true
		}
		for i := range openings {
			o := &openings[i]
			for shard := range in[o.ISS[0]] {
				if shard == route(o) {
					continue
				}
				if all[shard] == nil {
					all[shard] = make([][]stats.Opening, len(points))
				}
				if to := &all[shard][point]; len(*to) < maxOpenings {
					*to = append(*to, o.Opening)
				}
			}
		}
	}
	return all
}
