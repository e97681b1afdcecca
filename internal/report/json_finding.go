package report

import (
	"strconv"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// findingFields appends findings for JSON and ndjson.
type findingFields struct {
	r *result.Report
	o *Options
	// newline goes before each frame of the evidence; empty keeps the finding
	// on one line.
	newline string
}

// append appends the fields of one finding, without the braces.
func (w findingFields) append(b []byte, f *result.Finding) []byte {
	doc := w.o.doc(f.Detector, f.Outcome)
	ends := f.Flow.End
	b = appendStringField(b, "id", f.ID)
	b = appendStringField(b, "detector", f.Detector)
	b = appendStringField(b, "outcome", f.Outcome)
	b = appendStringField(b, "verdict", f.Verdict.String())
	b = appendStringField(b, "reason", f.Reason)
	b = appendStringField(b, "severity", f.Severity.String())
	b = appendUintField(b, "flow", f.Flow.ID)
	b = appendEndpointField(b, "culprit", ends[f.Culprit])
	b = append(appendKey(b, "roles"), '{')
	for _, role := range f.Roles {
		b = appendDataKey(b, role.Name)
		b = append(b, '"')
		b = append(appendEndpoint(b, ends[role.Side]), '"')
	}
	b = append(b, '}')
	b = append(appendKey(b, "states"), '{')
	for side, state := range f.States {
		b = append(appendComma(b), '"')
		b = append(appendEndpoint(b, ends[side]), `": `...)
		b = appendString(b, state.String())
	}
	b = append(b, '}')
	b = appendTimeField(b, "start", f.Start)
	b = appendTimeField(b, "end", f.End)
	b = appendStringField(b, "title", f.Title)
	b = appendStringField(b, "message", f.Message)
	b = appendStringField(b, "cause", doc.Cause)
	b = appendStringField(b, "action", doc.Action)
	b = appendLimits(b, f.Limits)
	b = appendStringsField(b, "references", doc.Refs)
	b = w.appendEvidence(b, f)
	return appendMetrics(b, f.Metrics)
}

func (w findingFields) appendEvidence(b []byte, f *result.Finding) []byte {
	b = append(appendKey(b, "evidence"), '[')
	for i := range f.Evidence {
		e := &f.Evidence[i]
		if i > 0 {
			b = append(b, ',')
			if w.newline == "" {
				b = append(b, ' ')
			}
		}
		b = append(b, w.newline...)
		b = append(b, '{')
		b = appendStringField(b, "role", e.Role)
		b = appendStringField(b, "file", w.o.file(w.r, &e.Seg))
		b = appendUintField(b, "frame", uint64(e.Seg.Frame))
		b = appendTimeField(b, "time", w.o.time(&e.Seg))
		b = appendStringField(b, "segment", notation(f.Flow, &e.Seg))
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendMetrics(b []byte, metrics []detectors.Metric) []byte {
	b = append(appendKey(b, "metrics"), '{')
	for _, m := range metrics {
		b = appendMetricValue(appendDataKey(b, m.Name), m.Value)
	}
	return append(b, '}')
}

// appendMetricValue appends a value of the kinds that Metric declares; anything
// else is null, which a test of the detectors would show.
func appendMetricValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return appendFloat(b, v)
	case string:
		return appendString(b, v)
	}
	return append(b, "null"...)
}
