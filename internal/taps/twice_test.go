package taps_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestBetween_twice: a segment that the far tap does not have was not lost if its receiver says by D-SACK that what was sent again
// is the second copy (RFC 2883). Without that, it may have been.
func TestBetween_twice(t *testing.T) {
	var dropped bool
	r := pathsim.Run(pathsim.Config{Seed: 7, OneWay: 10 * time.Millisecond, Exchanges: 10, Think: 2 * time.Second, Drop: func(s *pathsim.Sent) bool {
		drop := !dropped && s.FromServer && s.Seg.Len == 0 && s.N > 5
		dropped = dropped || drop
		return drop
	}})
	at := slices.IndexFunc(r.Log, func(x *pathsim.Sent) bool { return x.Lost })
	ack := r.Log[at]
	data := func(x *pathsim.Sent) bool { return !x.FromServer && x.Seg.Len > 0 && x.Seg.End() == ack.Seg.Ack }
	original := r.Log[slices.IndexFunc(r.Log, data)]
	again := at + slices.IndexFunc(r.Log[at:], data)
	second := r.Log[again+slices.IndexFunc(r.Log[again:], func(x *pathsim.Sent) bool {
		return x.FromServer && x.Seg.Len == 0 && x.Seg.Ack == ack.Seg.Ack
	})]
	for _, dsack := range []bool{false, true} {
		client, server := slices.Clone(r.Taps[0]), slices.Clone(r.Taps[1])
		if dsack {
			for _, o := range []*reassembly.Options{&client[second.Far].Opts, &server[second.Near].Opts} {
				o.NBlocks, o.Blocks[0] = 1, reassembly.Block{From: original.Seg.Seq, To: original.Seg.End()}
			}
		}
		server = slices.Delete(server, ack.Near, ack.Near+1) // it came after the original
		server = slices.Delete(server, original.Far, original.Far+1)
		rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(client)}, file{"server.pcap", pathsim.Pcap(server)})
		way := &rep.Flows[0].Between[0].Way[reassembly.A]
		if lost := len(way.Lost) > 0; lost == dsack || way.Missed > 0 != dsack {
			t.Errorf("D-SACK %t: %d lost, %d missed", dsack, len(way.Lost), way.Missed)
		}
	}
}
