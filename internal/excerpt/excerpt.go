// Package excerpt prints connections of a capture as scenario text, with the
// findings that an analysis of the text must bring again.
package excerpt

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// The bounds of an excerpt. The notation itself holds 2^18 frames, hosts and
// wants.
const (
	MaxConns    = 20
	MaxSegments = 1<<18 - 1<<12
	maxFillers  = 1 << 10
	// A successor on the same four-tuple is there only to end its predecessor: its
	// opening is enough.
	successorSegments = 3
)

// An Excerpt collects the segments of connections.
type Excerpt struct {
	// Cut says that there was no room for some of the segments.
	Cut bool

	wanted map[uint64]bool // by Flow.Conn; nil for the first connection that is added
	conns  []*conn
	byID   map[uint64]*conn // nil for connections that are left out
	latest map[reassembly.Key]*conn
	room   int
}

// A conn is one connection, as much of it as there was room for.
type conn struct {
	id        uint64 // Flow.Conn
	successor bool   // is there only to end a wanted one
	steps     []result.Step
}

// New makes an excerpt of the wanted connections, by Flow.Conn, or of the first
// one that is added if wanted is nil. Successors on their four-tuples are
// included as far as they end them.
func New(wanted map[uint64]bool) *Excerpt {
	return &Excerpt{wanted: wanted, byID: map[uint64]*conn{}, latest: map[reassembly.Key]*conn{}, room: MaxSegments}
}

// Add adds a segment, in the order of the capture.
func (x *Excerpt) Add(t result.Step) {
	c, known := x.byID[t.Conn]
	if !known {
		c = x.begin(&t)
		x.byID[t.Conn] = c
	}
	switch {
	case c == nil || c.successor && len(c.steps) == successorSegments:
	case x.room == 0:
		x.Cut = true
	default:
		x.room--
		c.steps = append(c.steps, t)
	}
}

// begin returns the connection that begins here, nil if it is neither wanted nor
// the successor of one that is. Only a SYN makes a successor: other segments on
// the same ports belong to connections side by side.
func (x *Excerpt) begin(t *result.Step) *conn {
	key, _ := reassembly.KeyOf(&t.Seg)
	before := x.latest[key]
	c := &conn{id: t.Conn, successor: !x.wanted[t.Conn]}
	if x.wanted == nil {
		c.successor = len(x.conns) > 0
	}
	if c.successor && (before == nil || before.successor || t.Seg.Flags&(reassembly.SYN|reassembly.ACK) != reassembly.SYN) {
		return nil
	}
	x.latest[key] = c
	x.conns = append(x.conns, c)
	return c
}

// Choose picks connections with findings, by Flow.Conn, as many as there is room
// for, certain findings first. It returns how many are left out.
func Choose(r *result.Report) (chosen map[uint64]bool, left int) {
	chosen = map[uint64]bool{}
	tooMany := map[uint64]bool{}
	at := map[uint64]uint64{} // of connections that several taps saw, the one that is printed
	room := uint64(MaxSegments)
	for _, verdict := range [...]detectors.Verdict{detectors.Seen, detectors.Undecided} {
		for i := range r.Findings {
			f := r.Findings[i].Flow
			size := f.Packets[0] + f.Packets[1] + successorSegments
			switch {
			case r.Findings[i].Verdict != verdict || at[f.ID] != 0:
			case len(chosen) == MaxConns || size > room:
				tooMany[f.Conn] = true
			default:
				chosen[f.Conn], at[f.ID] = true, f.Conn
				room -= size
				if f.Predecessor.Conn != 0 { // the finding may rest on it
					chosen[f.Predecessor.Conn] = true
				}
				if other := r.Findings[i].Other; other != 0 { // it does
					chosen[other] = true
				}
			}
		}
	}
	return chosen, len(tooMany)
}
