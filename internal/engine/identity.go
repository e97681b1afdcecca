package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// identify makes a finding's ID: a hash of the detector, both endpoints, and
// the anchor segment: who sent it, seq, ack, flags, length, and the how manieth
// such finding it is. Nothing in it depends on files, frames, times or judges.
func identify(f *detectors.Finding, flow *result.Flow, seen map[string]int) string {
	a := &f.Evidence[0].Seg
	ack := a.Ack
	what := fmt.Sprintf("%s|%v|%v|%t|%d|%d|%d|%d", f.Detector, flow.Key.Lo, flow.Key.Hi, a.Src == flow.Key.Lo, a.Seq, ack, a.Flags, a.Len)
	seen[what]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%d", what, seen[what]))
	return hex.EncodeToString(sum[:8])
}

// rowOf is a file's line in the report.
func rowOf(c *stats.Capture) result.Capture {
	row := result.Capture{
		File: c.File, Format: c.Format, Compression: c.Compression, Packets: c.Packets, Bytes: c.Bytes,
		Span: result.Span{First: c.First, Last: c.Last, End: c.End}, Drops: c.Drops,
	}
	for _, l := range c.LinkTypes {
		row.LinkTypes = append(row.LinkTypes, capture.LinkType(l).String())
	}
	for _, w := range c.Warnings { // the line has the file's name already
		row.Warnings = append(row.Warnings, strings.TrimPrefix(w, c.File+": "))
	}
	return row
}
