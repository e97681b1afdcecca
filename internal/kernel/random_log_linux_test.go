package kernel

import (
	"fmt"
	"sort"
	"strings"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// log is everything that is known about the case, in order.
func (p *randomCase) log() string {
	type entry struct {
		at   int64
		text string
	}
	var all []entry
	var iss [2]reassembly.Seq
	var have [2]bool
	for _, x := range p.w.packets {
		if !have[x.from] && (x.seg.Flags&reassembly.SYN != 0 || x.seg.Flags&reassembly.RST == 0) {
			iss[x.from], have[x.from] = x.seg.Seq, true
		}
		fate := fmt.Sprintf("frame %d", x.frame)
		if x.tapped == 0 {
			fate = "UNSEEN"
		} else if x.tapped-x.sent > 1e6 {
			fate += fmt.Sprintf(" +%.1fms", float64(x.tapped-x.sent)/1e6)
		}
		if x.arrived == 0 {
			fate += " LOST"
		} else if x.arrived-x.sent > 1e6 {
			fate += fmt.Sprintf(" arrives +%.1fms", float64(x.arrived-x.sent)/1e6)
		}
		if x.duplicates != [2]int{} {
			fate += fmt.Sprint(" duplicates ", x.duplicates)
		}
		ack := ""
		if x.seg.Flags&reassembly.ACK != 0 {
			ack = fmt.Sprintf(" ack %d", int32(x.seg.Ack-iss[1-x.from]))
		}
		for _, b := range x.seg.Opts.Blocks[:x.seg.Opts.NBlocks] {
			ack += fmt.Sprintf(" sack %d-%d", int32(b.From-iss[1-x.from]), int32(b.To-iss[1-x.from]))
		}
		all = append(all, entry{x.sent, fmt.Sprintf("    %s %s %d(%d)%s win %d id %d | %s", [2]string{"client >", "       < server"}[x.from], x.seg.Flags, int32(x.seg.Seq-iss[x.from]), x.seg.Len, ack, x.seg.Window, x.seg.IPID, fate)})
	}
	for _, d := range p.actions {
		all = append(all, entry{d.at, fmt.Sprintf("%s: %s %s", append([]string{"wire"}, "CLIENT", "SERVER")[d.side+1], d.what, d.more)})
	}
	for side, s := range p.sides {
		if p.kernel == nil {
			break
		}
		for _, e := range p.said(s.h.endpoint(s.port), s.h.peer.endpoint(p.sides[1-side].port)) {
			all = append(all, entry{e.At, fmt.Sprintf("        kernel, of what the %s sends: %s %s %d(%d)", s.h.name, [...]string{"RST", "dropped", "again"}[e.Kind], e.Reason, int32(reassembly.Seq(e.Seq)-iss[side]), e.Len)})
		}
	}
	for i, m := range p.moments {
		all = append(all, entry{m.At.UnixNano(), fmt.Sprintf("== moment %d: %s %s", i+1, m.Sockets[0].State, m.Sockets[1].State)})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].at < all[j].at })
	var b strings.Builder
	for _, e := range all {
		fmt.Fprintf(&b, "%9.4f %s\n", float64(e.at-p.w.frames[0].at)/1e9, e.text)
	}
	return b.String()
}
