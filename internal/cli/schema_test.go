package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
)

const (
	docs         = "../../docs/"
	reportSchema = docs + "report.schema.json"
	statesSchema = docs + "states.schema.json"
	ndjsonSchema = docs + "ndjson.schema.json"
)

// loader reads schemas, and applies a change if there is one.
type loader struct{ change func(schema any) }

func (l loader) Load(url string) (any, error) {
	schema, err := jsonschema.FileLoader{}.Load(url)
	if err == nil && l.change != nil {
		l.change(schema)
	}
	return schema, err
}

// validator compiles the schema in a file.
func validator(t *testing.T, file string, change func(any)) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(loader{change})
	s, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed forbids fields that the schema does not describe: readers of a report must
// ignore them, but everything written today must be documented.
func closed(schema any) {
	switch v := schema.(type) {
	case map[string]any:
		_, isObject := v["properties"].(map[string]any)
		if isObject && v["type"] == "object" && v["allOf"] == nil {
			v["unevaluatedProperties"] = false
		}
		for _, child := range v {
			closed(child)
		}
	case []any:
		for _, child := range v {
			closed(child)
		}
	}
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return doc
}

// TestSchemas_hold validates every JSON output for every sample, and the golden
// files of the reports.
func TestSchemas_hold(t *testing.T) {
	report := validator(t, reportSchema, closed)
	states := validator(t, statesSchema, closed)
	line := validator(t, ndjsonSchema, nil)
	check := func(s *jsonschema.Schema, what string, text []byte) {
		t.Helper()
		if err := s.Validate(parsed(t, text)); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	checkLines := func(what string, text []byte) {
		t.Helper()
		for l := range bytes.Lines(text) {
			check(line, what, l)
		}
	}
	for _, name := range traceFiles(t) {
		check(report, name, printed(t, name, "--format=json"))
		check(report, name+" --flows", printed(t, name, "--format=json", "--flows"))
		check(report, name+" --time", printed(t, name, "--format=json", "--time"))
		check(report, name+" --flow", printed(t, name, "--format=json", "--flow=1"))
		check(states, name+" --states", printed(t, name, "--format=json", "--states", "--all"))
		checkLines(name, printed(t, name, "--format=ndjson", "--flows"))
	}
	const kept = "../report/testdata/"
	for name, s := range map[string]*jsonschema.Schema{
		"everything.json": report, "nothing.json": report, "hostile.json": report, "states.json": states,
	} {
		check(s, name, contents(t, kept+name))
	}
	checkLines("everything.ndjson", contents(t, kept+"everything.ndjson"))
}

// traceFiles returns the traces of this repository that have connections.
func traceFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"../../samples/*.txtar", "../../samples/real/*.pcap", "testdata/traces/*.txtar"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no traces at %s (%v)", pattern, err)
		}
		names = append(names, found...)
	}
	return names
}

func contents(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// printed returns what the command writes.
func printed(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, complaints bytes.Buffer
	if Run(Env{Args: args, Stdout: &out, Stderr: &complaints, Detectors: catalogue.All}) == exitFailed {
		t.Fatalf("tcptrace %s: %s", strings.Join(args, " "), &complaints)
	}
	return out.Bytes()
}

// TestSchemas_refuse changes good documents a little, each in one place.
func TestSchemas_refuse(t *testing.T) {
	const kept = "../report/testdata/"
	for _, tt := range []struct{ schema, document, old, new string }{
		{reportSchema, "everything.json", `"tcptrace/report/v1"`, `"tcptrace/report/v2"`},
		{reportSchema, "everything.json", `"totals": `, `"sums": `},
		{reportSchema, "everything.json", `"state_a": "ESTABLISHED"`, `"state_a": "ESTAB"`},
		{reportSchema, "everything.json", `"ending": "open"`, `"ending": "running"`},
		{reportSchema, "everything.json", `"initiator": "a"`, `"initiator": "c"`},
		{reportSchema, "everything.json", `"severity": "critical"`, `"severity": "fatal"`},
		{reportSchema, "everything.json", `"verdict": "undecided", "reason": "the`, `"verdict": "unsure", "reason": "the`},
		{reportSchema, "everything.json", `"reason": "the trace ended 2.1 s after the FIN, before a resend was due (6 s)"`, `"reason": ""`},
		{reportSchema, "everything.json", `"limits": ["midstream"`, `"limits": ["middle"`},
		{reportSchema, "everything.json", `"frame": 30`, `"frame": 0`},
		{reportSchema, "everything.json", `"frame": 30`, `"frame": "30"`},
		{reportSchema, "everything.json", `"rtt_s": null`, `"rtt_s": "unknown"`},
		{reportSchema, "everything.json", `"iss": 1000`, `"iss": 4294967296`},
		{reportSchema, "everything.json", `"iss": 1000, `, ``},
		{reportSchema, "everything.json", `"culprit": "[2001:db8::2]:443"`, `"culprit": "2001:db8::2.443"`},
		{reportSchema, "everything.json", `"first": "2026-11-21T07:42:39.106361Z"`, `"first": "2026-11-21 07:42:39"`},
		{reportSchema, "everything.json", `"first": "2026-11-21T07:42:39.106361Z"`, `"first": "2026-11-21T07:42:39.106361+01:00"`},
		{statesSchema, "states.json", `"FIN_WAIT_2"`, `"FIN-WAIT-2"`},
		{statesSchema, "states.json", `"bounded": true`, `"bounded": 1`},
	} {
		text := string(contents(t, kept+tt.document))
		if !strings.Contains(text, tt.old) {
			t.Fatalf("%s has no %s", tt.document, tt.old)
		}
		wrong := strings.Replace(text, tt.old, tt.new, 1)
		if validator(t, tt.schema, nil).Validate(parsed(t, []byte(wrong))) == nil {
			t.Errorf("%s: %s instead of %s is accepted", tt.document, tt.new, tt.old)
		}
	}
	line := validator(t, ndjsonSchema, nil)
	for _, wrong := range []string{`{"type": "summary"}`, `{"type": "flow", "id": 1}`, `{"type": "finding"}`, `{"type": "total"}`, `{}`} {
		if line.Validate(parsed(t, []byte(wrong))) == nil {
			t.Errorf("the line %s is accepted", wrong)
		}
	}
}

// TestSchemas_open: documents with additional fields are valid.
func TestSchemas_open(t *testing.T) {
	text := contents(t, "../report/testdata/everything.json")
	more := bytes.Replace(text, []byte(`"findings": 1`), []byte(`"findings": 1, "since_v2": true`), 1)
	if err := validator(t, reportSchema, nil).Validate(parsed(t, more)); err != nil {
		t.Error(err)
	}
	if validator(t, reportSchema, closed).Validate(parsed(t, more)) == nil {
		t.Error("a field that the schema does not have goes unnoticed")
	}
}

// TestSchema_words compares the words that the schema lists with those of the code.
func TestSchema_words(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Enum  []string
			Items struct{ Enum []string }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(contents(t, reportSchema), &schema); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"state":    spelled(fsm.Closed, fsm.TimeWait),
		"class":    spelled(fsm.Plain, fsm.OutOfWindow),
		"severity": spelled(detectors.Info, detectors.Critical),
		"verdict":  spelled(detectors.Seen, detectors.Undecided),
		"limits":   (^fsm.Limits(0)).Names(),
	} {
		d := schema.Defs[name]
		if got := append(d.Enum, d.Items.Enum...); !slices.Equal(got, want) {
			t.Errorf("the schema has %s %q, the code %q", name, got, want)
		}
	}
}

// spelled returns the words for first to last.
func spelled[T interface {
	~uint8
	String() string
}](first, last T) []string {
	var words []string
	for v := first; v <= last; v++ {
		words = append(words, v.String())
	}
	return words
}
