package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// kinds are what a field may hold: s string, n number, b bool, t time, a array
// of strings, o object, N number or null, T time or null.
var (
	flowKinds = map[string]byte{
		"id": 'n', "a": 's', "b": 's', "initiator": 's', "state_a": 's', "state_b": 's', "bounded_a": 'b', "bounded_b": 'b',
		"ending": 's', "first": 't', "last": 't', "packets_a2b": 'n', "packets_b2a": 'n', "bytes_a2b": 'n', "bytes_b2a": 'n',
		"retransmissions_a2b": 'n', "retransmissions_b2a": 'n', "rtt_s": 'N', "history": 's', "closed_first": 's', "limits": 'a', "copies": 'n',
	}
	findingKinds = map[string]byte{
		"id": 's', "detector": 's', "outcome": 's', "verdict": 's', "reason": 's', "severity": 's', "flow": 'n',
		"culprit": 's', "fault": 's', "subject": 's', "roles": 'o', "states": 'o', "start": 't', "end": 't', "title": 's', "message": 's',
		"cause": 's', "action": 's', "limits": 'a', "references": 'a', "metrics": 'o',
	}
	evidenceKinds = map[string]byte{"role": 's', "file": 's', "frame": 'n', "time": 't', "segment": 's'}
	captureKinds  = map[string]byte{
		"file": 's', "format": 's', "compression": 's', "link_types": 'a', "packets": 'n', "bytes": 'n', "first": 'T',
		"last": 'T', "warnings": 'a', "drops": 'n',
	}
	traceKinds  = map[string]byte{"first": 'T', "last": 'T', "end": 'T'}
	totalsKinds = map[string]byte{
		"packets": 'n', "tcp_segments": 'n', "flows": 'n', "skipped": 'o', "evicted_flows": 'n', "copies": 'n', "known": 'n', "hidden": 'n',
	}
	socketKinds = map[string]byte{"flow": 'n', "local": 's', "foreign": 's', "state": 's', "since": 't', "bounded": 'b'}
)

// requireKinds fails unless the object has every field, of its kind.
func requireKinds(t *testing.T, what string, object any, kinds map[string]byte) {
	t.Helper()
	fields, ok := object.(map[string]any)
	if !ok {
		t.Fatalf("%s is %T, want an object", what, object)
	}
	for name, kind := range kinds {
		value, ok := fields[name]
		if !ok {
			t.Errorf("%s has no %s", what, name)
		} else if !isKind(value, kind) {
			t.Errorf("%s.%s is %#v, want kind %c", what, name, value, kind)
		}
	}
}

func isKind(value any, kind byte) bool {
	switch v := value.(type) {
	case nil:
		return kind == 'N' || kind == 'T'
	case float64:
		return kind == 'n' || kind == 'N'
	case bool:
		return kind == 'b'
	case string:
		if kind == 't' || kind == 'T' {
			at, err := time.Parse(time.RFC3339Nano, v)
			return err == nil && at.Location() == time.UTC
		}
		return kind == 's'
	case map[string]any:
		return kind == 'o'
	case []any:
		return kind == 'a' && !slices.ContainsFunc(v, func(e any) bool { _, ok := e.(string); return !ok })
	}
	return false
}

func decode(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return object
}

func written(t *testing.T, write writer, r *result.Report, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestJSON_fields(t *testing.T) {
	for name, r := range map[string]*result.Report{"everything": everything(), "nothing": nothing(), "hostile": hostile()} {
		t.Run(name, func(t *testing.T) {
			got := decode(t, written(t, JSON, r, testOptions()))
			requireKinds(t, "report", got, map[string]byte{
				"schema": 's', "tool": 'o', "options": 'o', "trace": 'o', "totals": 'o',
			})
			requireKinds(t, "tool", got["tool"], map[string]byte{"name": 's', "version": 's'})
			requireKinds(t, "options", got["options"], map[string]byte{"time_wait_s": 'n', "detectors": 'a'})
			requireKinds(t, "trace", got["trace"], traceKinds)
			requireKinds(t, "totals", got["totals"], totalsKinds)
			requireRows(t, got, "captures", len(r.Captures), captureKinds)
			requireRows(t, got, "flows", len(r.Flows), flowKinds)
			requireRows(t, got, "findings", len(r.Findings), findingKinds)
			for i, f := range got["findings"].([]any) {
				requireRows(t, f.(map[string]any), "evidence", len(r.Findings[i].Evidence), evidenceKinds)
			}
		})
	}
}

func requireRows(t *testing.T, object map[string]any, name string, n int, kinds map[string]byte) {
	t.Helper()
	rows, ok := object[name].([]any)
	if !ok || len(rows) != n {
		t.Fatalf("%s is %#v, want an array of %d", name, object[name], n)
	}
	for i, row := range rows {
		requireKinds(t, fmt.Sprintf("%s[%d]", name, i), row, kinds)
	}
}

func TestNDJSON_lines(t *testing.T) {
	r := everything()
	lines := bufio.NewScanner(bytes.NewReader(written(t, NDJSON, r, testOptions())))
	lines.Buffer(nil, 1<<20)
	var types []string
	for lines.Scan() {
		got := decode(t, lines.Bytes())
		kind, _ := got["type"].(string)
		types = append(types, kind)
		switch kind {
		case "finding":
			requireKinds(t, "finding", got, findingKinds)
			requireKinds(t, "finding", got, map[string]byte{"revision": 'n', "final": 'b'})
		case "flow":
			requireKinds(t, "flow", got, flowKinds)
		case "summary":
			requireKinds(t, "summary.totals", got["totals"], totalsKinds)
			requireRows(t, got, "captures", len(r.Captures), captureKinds)
		}
	}
	if want := []string{"finding", "finding", "finding", "flow", "flow", "summary"}; !slices.Equal(types, want) {
		t.Errorf("types %q, want %q", types, want)
	}
}

func TestStatesJSON_fields(t *testing.T) {
	got := decode(t, written(t, states(StatesJSON), nil, Options{Names: KB}))
	requireKinds(t, "states", got, map[string]byte{"schema": 's', "at": 't'})
	requireRows(t, got, "endpoints", len(sockets), socketKinds)
}

func TestRawTime(t *testing.T) {
	o := testOptions()
	o.RawTime = func(file uint16, frame uint32, at int64) int64 { return at + int64(file)*1e9 + int64(frame) }
	o.Files = []string{"first", "second"}
	got := decode(t, written(t, JSON, everything(), o))
	evidence := got["findings"].([]any)[1].(map[string]any)["evidence"].([]any)[1].(map[string]any)
	if evidence["time"] != "2026-11-21T07:43:46.356361002Z" || evidence["file"] != "second" {
		t.Errorf("evidence %v: want the file's own time, a second and two nanoseconds later, and its name", evidence)
	}
}

// TestString_decodesBack compares quoted with encoding/json: it must read
// back what was put in, but for bytes that are no UTF-8.
func TestString_decodesBack(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c/", "<>&", "\x00\x1f\x7f\u0080\u009b", "\u202e\u2028\ufeff", "\U000e0041 𝄞 é", "\n\t\r"} {
		text := object(nil).quoted(s)
		var back string
		if err := json.Unmarshal(text, &back); err != nil || back != s {
			t.Errorf("quoted(%q) = %s, which reads as %q, %v", s, text, back, err)
		}
		for _, c := range text {
			if c < ' ' || c == 0x7f || c == '<' || c == '>' || c == '&' {
				t.Errorf("quoted(%q) = %s has a raw %q", s, text, c)
			}
		}
	}
	if got, want := string(object(nil).quoted("a\xff\xc3(")), `"a\\xff\\xc3("`; got != want {
		t.Errorf("bytes that are no UTF-8: %s, want %s", got, want)
	}
}

func TestSeconds(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0", 1: "0.000000001", 20000: "0.00002", 60e9: "60", 1_500_000_000: "1.5", -1_000_000_001: "-1.000000001",
		math.MaxInt64: "9223372036.854775807", math.MinInt64: "-9223372036.854775808",
	} {
		if got := string(appendSeconds(nil, ns)); got != want {
			t.Errorf("%d ns are %s s, want %s", ns, got, want)
		}
	}
}

func TestFloat_notANumber(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if got := string(object(nil).float(v)); got != "null" {
			t.Errorf("%v is %s, want null", v, got)
		}
	}
}

// A full disk must not pass for a report.
func TestWriters_reportErrors(t *testing.T) {
	full := errors.New("no space left on device")
	broken := writerFunc(func([]byte) (int, error) { return 0, full })
	for name, write := range map[string]writer{"text": Text, "json": JSON, "ndjson": NDJSON, "csv": CSV, "markdown": Markdown, "states": states(StatesText), "states json": states(StatesJSON)} {
		if err := write(broken, everything(), testOptions()); !errors.Is(err, full) {
			t.Errorf("%s: error %v, want %v", name, err, full)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestFlowRow_allocatesNothing(t *testing.T) {
	f, r, b := flow(1, "[2001:db8::1]:40000", "10.0.0.2:443"), &result.Report{}, make(object, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { b = b[:0].flow(f, r) }); n > 0 {
		t.Errorf("%v allocations a row, want none", n)
	}
}

func BenchmarkJSON_200000Flows(b *testing.B) {
	r := everything()
	r.Flows = make([]result.Flow, 200_000)
	for i := range r.Flows {
		r.Flows[i] = *flow(uint64(i+1), "10.77.1.1:60558", "10.77.1.2:5000")
		r.Flows[i].First += int64(i) * 12345
	}
	r.Findings = r.Findings[:1]
	b.ReportAllocs()
	for b.Loop() {
		if err := JSON(io.Discard, r, testOptions()); err != nil {
			b.Fatal(err)
		}
	}
}
