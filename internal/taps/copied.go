package taps

import (
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// A tap on several links, such as the device any of a router, has twice what is forwarded from one of them to another: its host
// sent one packet (RFC 6864 4), which arrived if either did.

// forwardTime is how much later a router may send on what has an IP identification: as after ARP. See package flow.
const forwardTime = int64(2 * time.Second)

// maxPieces is more than the segments that are cut from a large one: 64 KiB at the least MSS.
const maxPieces = 128

// onceOnly leaves out of the records of one side at one tap what was captured again on another link: the later of two that are alike, and
// the large one of those that segmentation offload cut or joined.
func (s *scan) onceOnly(records []int32) []int32 {
	if !slices.ContainsFunc(records, func(i int32) bool { return s.records[i].look() != s.records[records[0]].look() }) {
		return records
	}
	out := make([]bool, len(records))
	for i, k := range records {
		r := &s.records[k]
		from := i
		for from > 0 && i-from < maxLook && r.at-s.records[records[from-1]].at <= forwardTime {
			from--
		}
		for ; from < i && !out[i]; from++ {
			o := &s.records[records[from]]
			switch limit := r.copyLimit(o); {
			case out[from], r.at-o.at > limit:
			case r.len == o.len:
				out[i] = r.window == o.window && r.content(r.seq, r.ack, 0) == o.content(o.seq, o.ack, 0)
			case r.pieceOf(o):
				out[from] = true
			default:
				out[i] = o.pieceOf(r)
			}
		}
	}
	kept := make([]int32, 0, len(records))
	for i, k := range records {
		if !out[i] {
			kept = append(kept, k)
		}
	}
	return kept
}

// copyLimit is how much later than another record one may be a copy of it; negative if it cannot be one. Without
// IP identification it must have passed a router since: hosts say some things twice.
func (r *record) copyLimit(o *record) int64 {
	switch routed := r.ttl < o.ttl; {
	case r.look() == o.look(), r.ipid == 0 && !routed:
		return -1
	case r.ipid != 0 && routed:
		return forwardTime
	}
	return int64(fsm.DuplicateTime)
}

// pieceOf reports whether the record seems to be cut from the other: some of its bytes, with its IP identification counted on.
func (r *record) pieceOf(whole *record) bool {
	ahead := whole.seq.To(r.seq)
	return r.len > 0 && r.len < whole.len && ahead >= 0 && uint32(ahead)+r.len <= whole.len && whole.ipid != 0 && r.ipid-whole.ipid < maxPieces &&
		r.ack == whole.ack && r.tsval == whole.tsval && r.tsecr == whole.tsecr
}
