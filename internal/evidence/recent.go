package evidence

import (
	"cmp"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Recent keeps the headers of the last frames of a live capture, by connection:
// a wire cannot be read a second time. It takes 60 MB, however long the capture.
type Recent struct {
	openings *ring // SYNs, which have the window scales: a connection may last for weeks
	frames   *ring
	added    uint64
}

// How many frames are kept, and how much of each: headers with every option and
// two tunnels fit.
const (
	recentOpenings = 1 << 15
	recentFrames   = 1 << 17
	recentBytes    = 320
)

// NewRecent returns an empty Recent.
func NewRecent() *Recent {
	return &Recent{openings: newRing(recentOpenings), frames: newRing(recentFrames)}
}

// Add keeps a frame under its segment's four-tuple.
func (r *Recent) Add(fr *capture.Frame, seg *reassembly.Segment) {
	key, _ := reassembly.KeyOf(seg)
	ring := r.frames
	if seg.Flags&reassembly.SYN != 0 {
		ring = r.openings
	}
	r.added++
	ring.add(fr, &key, r.added)
}

// Of reads the frames of a four-tuple that are still there.
func (r *Recent) Of(key reassembly.Key) Source {
	kept := append(r.openings.of(&key), r.frames.of(&key)...)
	sorting.Stable(kept, func(a, b *slot) int { return cmp.Compare(a.order, b.order) })
	return &replay{kept}
}

// A ring keeps the last frames that it was given. Those of a four-tuple are
// chained, the latest first.
type ring struct {
	slots []slot
	added uint64
	last  map[reassembly.Key]uint64 // number of the four-tuple's latest frame, from one
}

// A slot is one frame. It holds no pointers.
type slot struct {
	key   reassembly.Key
	prev  uint64 // number of the frame before it of the same four-tuple, from one
	order uint64 // of all frames
	at    int64
	num   uint32
	wire  uint32
	link  uint32
	file  uint16
	kept  uint16
	data  [recentBytes]byte
}

func (s *slot) is(fr *capture.Frame) bool {
	return s.num == fr.Num && s.file == fr.File && s.at == fr.At
}

func newRing(n int) *ring { return &ring{slots: make([]slot, n), last: map[reassembly.Key]uint64{}} }

func (r *ring) add(fr *capture.Frame, key *reassembly.Key, order uint64) {
	if latest := r.last[*key]; latest != 0 && r.slots[(latest-1)%uint64(len(r.slots))].is(fr) {
		return // another segment of an A-MSDU
	}
	s := &r.slots[r.added%uint64(len(r.slots))]
	if oldest := r.added - uint64(len(r.slots)) + 1; r.added >= uint64(len(r.slots)) && r.last[s.key] == oldest {
		delete(r.last, s.key)
	}
	r.added++
	s.key, s.prev, s.order = *key, r.last[*key], order
	s.at, s.num, s.file, s.link, s.wire = fr.At, fr.Num, fr.File, uint32(fr.Link), uint32(fr.Len)
	s.kept = uint16(copy(s.data[:], fr.Data))
	r.last[*key] = r.added
}

// of are the frames of a four-tuple, the latest first.
func (r *ring) of(key *reassembly.Key) (kept []*slot) {
	for n := r.last[*key]; n != 0 && r.added-n < uint64(len(r.slots)); {
		s := &r.slots[(n-1)%uint64(len(r.slots))]
		kept = append(kept, s)
		n = s.prev
	}
	return kept
}

// A replay reads kept frames in the order in which they were captured.
type replay struct{ frames []*slot }

func (p *replay) Next(fr *capture.Frame) error {
	if len(p.frames) == 0 {
		return io.EOF
	}
	s := p.frames[0]
	p.frames = p.frames[1:]
	*fr = capture.Frame{At: s.at, Num: s.num, File: s.file, Link: capture.LinkType(s.link), Len: int(s.wire), Data: s.data[:s.kept]}
	return nil
}

func (p *replay) Close() error { return nil }
