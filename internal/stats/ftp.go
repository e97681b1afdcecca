package stats

import (
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FTP are the hosts between which the trace has a control connection of FTP: one has told the other
// which port to connect to for data. As Scans, it is bounded, and does not depend on the order of connections.
type FTP struct {
	Pairs []Pair // sorted, lower address first; none if there are more than maxFTP
	Many  bool   `json:",omitempty"` // there are
}

// maxFTP bounds them.
const maxFTP = 1024

// ftpControl is the port of the control connection (RFC 959 8).
const ftpControl = 21

// Count counts a connection in which both sides have sent payload.
func (f *FTP) Count(a, b reassembly.Endpoint) {
	if a.Port == ftpControl || b.Port == ftpControl {
		f.add(Pair{a.Addr, b.Addr}.either())
	}
}

func (f *FTP) add(p Pair) {
	i, is := slices.BinarySearchFunc(f.Pairs, p, Pair.compare)
	switch {
	case is || f.Many:
	case len(f.Pairs) == maxFTP:
		f.Pairs, f.Many = nil, true
	default:
		f.Pairs = sorting.Insert(f.Pairs, i, p)
	}
}

// Add adds those of other connections of the trace.
func (f *FTP) Add(o *FTP) {
	if o.Many {
		f.Pairs, f.Many = nil, true
	}
	for _, p := range o.Pairs {
		f.add(p)
	}
}

// Between reports whether two hosts may have a control connection: they have one, or there are too many to be remembered.
func (f *FTP) Between(a, b reassembly.Endpoint) bool {
	if f.Many {
		return true
	}
	_, is := slices.BinarySearchFunc(f.Pairs, Pair{a.Addr, b.Addr}.either(), Pair.compare)
	return is
}
