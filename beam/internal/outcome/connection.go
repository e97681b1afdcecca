package outcome

import (
	"cmp"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A Connection is an analysed connection with its findings.
type Connection struct {
	Position chunk.Position // of its first segment; connections are numbered in this order
	Row      result.Flow
	Findings []result.Finding
}

// An Opened is how a connection was opened, for others with the same initial sequence number.
type Opened struct {
	Position chunk.Position
	Opening  stats.Opening
	Asks     *Connection // the connection itself, if others may bear on its findings
}

// A Finding is a finding for the report, with the row of its connection.
type Finding struct {
	Position chunk.Position
	Detector int // position in the list
	Row      result.Flow
	result.Finding
}

// Compare is the order of findings in a report, as in package engine.
func (a *Finding) Compare(b *Finding) int {
	s, t := &a.Evidence[0].Seg, &b.Evidence[0].Seg
	return cmp.Or(cmp.Compare(a.At, b.At), a.Position.Compare(b.Position), cmp.Compare(a.Detector, b.Detector),
		cmp.Compare(a.Start, b.Start), cmp.Compare(s.File, t.File), cmp.Compare(s.Frame, t.Frame))
}
