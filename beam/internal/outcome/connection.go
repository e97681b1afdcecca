package outcome

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A Connection is one that was analysed, with its findings.
type Connection struct {
	Place    chunk.Place // of its first segment: all connections are numbered in this order
	Row      result.Flow
	Findings []result.Finding
}

// A Finding is one on its way into the report, with its connection's row.
type Finding struct {
	Place    chunk.Place
	Detector int // position in the list
	Row      result.Flow
	result.Finding
}

// Compare is the order of findings in a report, as package engine has it.
func (a *Finding) Compare(b *Finding) int {
	s, t := &a.Evidence[0].Seg, &b.Evidence[0].Seg
	return cmp.Or(cmp.Compare(a.At, b.At), a.Place.Compare(b.Place), cmp.Compare(a.Detector, b.Detector),
		cmp.Compare(a.Start, b.Start), cmp.Compare(s.File, t.File), cmp.Compare(s.Frame, t.Frame))
}
