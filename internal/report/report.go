// Package report writes what an analysis found, one file per format. It only
// reads result.Report: what is worth reporting was decided before. Text,
// Markdown and HTML print the same document; JSON, ndjson and CSV have the same
// fields.
//
// Nothing that comes from a capture or its name reaches the output as it is:
// each format passes it through Clean and then through its own quoting.
package report

import (
	"net/netip"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Options are what a reader chooses about a report, and what the report cannot
// know by itself.
type Options struct {
	Names     Names  // spelling of states for people; JSON and CSV keep the RFC's
	Color     bool   // text only
	Undecided bool   // text, Markdown and HTML print undecided findings too
	Flows     bool   // text lists the connections; CSV lists them instead of findings
	Time      bool   // text, Markdown, HTML and CSV have where the time went
	Sort      string // one of FindingOrders or FlowOrders; empty for the usual order
	Version   string // of tcptrace

	// Connection says that the report is of one connection alone, and is to show it in
	// full; Steps are what was kept of it.
	Connection bool
	Steps      []result.Step
	// Width is how wide text may be, in characters: 0 for 100, else 80 to 200.
	Width int

	// Hosts are names of addresses, to be printed beside them; nil for none.
	Hosts map[netip.Addr]string

	// Docs finds a detector by its slug, nil if there is none. It may be nil.
	Docs func(slug string) *detectors.Detector
	// RawTime gives a frame's time as its own file has it, in nanoseconds since
	// 1970; nil where that is the time it was analysed with.
	RawTime func(file uint16, frame uint32, at int64) int64
	// Files are the names of the inputs by Segment.File; empty where that is
	// the order of Report.Captures.
	Files []string
	// Pictures are what HTML draws of connections; nil for none.
	Pictures *Pictures

	page bool // for readers who may have no command line
}

// width is that of text.
func (o *Options) width() int {
	if o.Width == 0 {
		return lineWidth
	}
	return min(max(o.Width, narrowest), 200)
}

// narrowest is how many columns a terminal has at least.
const narrowest = 80

// listedIn says where to find what is not printed.
func (o *Options) listedIn() string {
	if o.page {
		return ", which the JSON report lists"
	}
	return ": --format json lists them"
}

// doc is what the detector says about the finding, with the finding's own cause and
// action where it has them; empty if the detector is unknown.
func (o *Options) doc(f *detectors.Finding) (doc detectors.Doc) {
	if o.Docs != nil {
		if d := o.Docs(f.Detector); d != nil {
			doc = d.Advice(f.Outcome)
		}
	}
	if f.Cause != "" {
		doc.Cause = f.Cause
	}
	if f.Action != "" {
		doc.Action = f.Action
	}
	return doc
}

// file is the name of the segment's input.
func (o *Options) file(r *result.Report, seg *reassembly.Segment) string {
	i := int(seg.File)
	switch {
	case i < len(o.Files):
		return o.Files[i]
	case len(o.Files) == 0 && i < len(r.Captures):
		return r.Captures[i].File
	}
	return ""
}

// time is the segment's time as its file has it.
func (o *Options) time(seg *reassembly.Segment) int64 {
	if o.RawTime == nil {
		return seg.At
	}
	return o.RawTime(seg.File, seg.Frame, seg.At)
}
