package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// FuzzWriters writes reports of arbitrary words, numbers and times in every
// format: it stays valid, and nothing in it is more than text.
func FuzzWriters(f *testing.F) {
	f.Add("x.pcap", "ghosted", "10.0.0.1:80 fell silent", int64(began), int64(60e9), 0.22, uint64(40), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add("=cmd|\x1b[31m</td>\u202e\xff\r\n```", "\xb0'<img src=x>\"&amp;", "-->{{.}}]]>|\x00\\", int64(-1<<63), int64(1<<63-1), -1e308, uint64(1<<64-1), bytes.Repeat([]byte{0xff}, 8))
	f.Fuzz(func(t *testing.T, name, word, sentence string, at, span int64, value float64, count uint64, choice []byte) {
		if len(name)+len(word)+len(sentence) > 3000 || len(choice) < 8 {
			return
		}
		r := arbitrary(name, word, sentence, at, span, value, count, choice)
		o := with(func(o *Options) {
			o.Undecided, o.Flows, o.Color, o.Names = choice[0]&1 != 0, choice[0]&2 != 0, false, Names(choice[0]>>2)%4
		})
		for form, write := range map[string]writer{"text": Text, "markdown": Markdown, "json": JSON, "ndjson": NDJSON, "csv": CSV} {
			page := written(t, write, r, o)
			requireHarmless(t, string(page), "\n")
			if t.Failed() {
				t.Fatalf("%s:\n%q", form, page)
			}
		}
		requireJSON(t, written(t, JSON, r, o), 1)
		requireJSON(t, written(t, NDJSON, r, o), -1)
		requireCells(t, written(t, CSV, r, o))
		checkHTML(t, written(t, HTML, r, o))

		steps := make([]result.Step, 0, len(choice))
		for _, c := range choice {
			seg := r.Findings[0].Evidence[0].Seg
			seg.Flags, seg.Opts.Has, seg.Opts.NBlocks = reassembly.Flags(c), reassembly.OptionBits(c), c&3
			steps = append(steps, result.Step{Conn: count, N: count, Seg: seg, Side: reassembly.Side(c & 1), Class: fsm.Class(c % 14)})
		}
		timeline := func(write func(io.Writer, *result.Report, []result.Step, Options) error) writer {
			return func(w io.Writer, r *result.Report, o Options) error { return write(w, r, steps, o) }
		}
		requireHarmless(t, string(written(t, timeline(FlowText), r, o)), "\n")
		requireJSON(t, written(t, timeline(FlowJSON), r, o), 1)
	})
}

// arbitrary is a report with everything in it, and anything in that.
func arbitrary(name, word, sentence string, at, span int64, value float64, count uint64, choice []byte) *result.Report {
	const bound = 1<<62 - 1 // what captures keep times within
	at, span = at&bound, span&bound
	end := min(at+span, bound)
	r := everything()
	r.Trace = result.Span{First: at, Last: end, End: end}
	r.Gaps = []result.Span{{First: at, Last: end}}
	r.Totals.Packets, r.Totals.TCPSegments, r.Totals.Flows = count, count/2, count
	r.Totals.Skipped[0] = result.Count{Name: word, N: count}
	c := &r.Captures[0]
	c.File, c.Format, c.Compression, c.LinkTypes, c.Warnings = name, word, word, []string{word}, []string{sentence}
	c.Bytes, c.Drops, c.Span = count, count, r.Trace
	for i := range r.Flows {
		f := &r.Flows[i]
		f.First, f.Last, f.Ending, f.History, f.RTT = at, end, word, word, span
		f.Packets[0], f.Bytes[1], f.Rexmits[0], f.Limits = count, count, count, fsm.Limits(count)
		f.State[0] = fsm.State(choice[1] % 11)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Verdict = detectors.Verdict(choice[2] >> i & 1)
		f.Severity = detectors.Severity(choice[3]>>i) % 3
		f.Outcome, f.Title, f.Message, f.Reason = word, sentence, sentence+word, word
		f.Start, f.At, f.End, f.Limits = at, at, end, fsm.Limits(count)
		f.Metrics = []detectors.Metric{{Name: word + "_s", Value: value}, {Name: "n", Value: int(count)}, {Name: name, Value: sentence}}
		f.Roles[0].Name = name
		for j := range f.Evidence {
			e := &f.Evidence[j]
			e.Role, e.Seg.At, e.Seg.Frame = word, at, uint32(count)*uint32(j+1)
			e.Seg.File, e.Seg.Len, e.Seg.Flags = uint16(choice[4]), uint32(count), reassembly.Flags(choice[5])
			e.Seg.Seq, e.Seg.Ack = reassembly.Seq(count>>32), reassembly.Seq(count)
		}
		if choice[6]>>i&1 != 0 {
			f.Detector = word
		}
	}
	return r
}

// requireJSON fails unless the text is values of JSON, each on lines of its own:
// as many as wanted, or any number if that is negative.
func requireJSON(t *testing.T, text []byte, want int) {
	t.Helper()
	n := 0
	for d := json.NewDecoder(bytes.NewReader(text)); ; n++ {
		var v any
		err := d.Decode(&v)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("not JSON: %v in\n%s", err, text)
		}
	}
	if want >= 0 && n != want {
		t.Errorf("%d values of JSON, want %d", n, want)
	}
}

// requireCells fails unless the text is a table of CSV without formulas.
func requireCells(t *testing.T, text []byte) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll() // all of one length
	if err != nil {
		t.Fatalf("not CSV: %v in\n%s", err, text)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && bytes.ContainsAny([]byte(cell[:1]), "=+-@\t\r") {
				t.Errorf("the cell %q may be taken for a formula", cell)
			}
		}
	}
}
