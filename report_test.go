package tcptrace

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// omitted are the fields of package result that are not public.
var omitted = map[string]string{
	"Capture.Unordered":    "a warning says so",
	"Flow.Doubled":         "findings rest on it",
	"Capture.Turns":        "Report.FrameNumber needs it",
	"Report.Apart":         "an option",
	"TapFrame.FrameID":     "public as File and Frame",
	"Totals.Rexmits":       "each connection has its own",
	"Flow.Sockets":         "only of the command",
	"Finding.Sockets":      "only of the command",
	"Finding.Ladder":       "reports print it",
	"Report.Err":           "an error of Analyze",
	"Flow.Key":             "the same as End",
	"Totals.Known":         "only of the command",
	"Totals.Hidden":        "only of the command",
	"Flow.TCB":             "only of a connection that is followed",
	"Flow.Time":            "a table of the report, see --time",
	"Flow.Strip":           "only of a connection that is followed",
	"Finding.KernelEvents": "only of the command, as sockets are",
	"Finding.Revision":     "only of a live capture",
	"Finding.Final":        "only of a live capture",
	"Finding.Withdrawn":    "only of a live capture",
	"Finding.FINRank":      "for the engine",
	"Finding.Other":        "for a scenario, which prints that connection too",
}

// Every field of an analysis is in the public report, with its value.
func TestNewReport(t *testing.T) {
	var r result.Report
	n := 0
	fill(reflect.ValueOf(&r).Elem(), &n)
	for i := range r.Flows {
		r.Flows[i].ID = uint64(i) + 1
	}
	for i := range r.Findings {
		r.Findings[i].Finding = new(detectors.Finding)
		fill(reflect.ValueOf(r.Findings[i].Finding).Elem(), &n)
		r.Findings[i].Flow = &r.Flows[len(r.Flows)-1-i]
	}
	public := newReport(&r)
	compare(t, "", reflect.ValueOf(r), reflect.ValueOf(*public))
	for i := range public.Findings {
		if want := &public.Flows[len(r.Flows)-1-i]; public.Findings[i].Flow != want {
			t.Errorf("finding %d is of flow %d, want element %d", i, public.Findings[i].Flow.ID, want.ID)
		}
	}
}

// fill sets everything in v to values that differ from each other.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString(fmt.Sprint(*n))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(1 + *n%100))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1 + *n%100))
	}
}

// compare reports what of an internal value is not in the public one. Findings
// point to flows, which are compared as elements of the report.
func compare(t *testing.T, path string, internal, public reflect.Value) {
	if internal.Kind() == reflect.Pointer && public.Kind() == reflect.Struct {
		internal = internal.Elem()
	}
	switch {
	case internal.Type() == public.Type():
		if !reflect.DeepEqual(internal.Interface(), public.Interface()) {
			t.Errorf("%s is %v, want %v", path, public, internal)
		}
	case internal.Kind() == reflect.Struct:
		for i := range internal.NumField() {
			field := internal.Type().Name() + "." + internal.Type().Field(i).Name
			name := internal.Type().Field(i).Name
			f := public.FieldByName(name)
			switch _, not := omitted[field]; {
			case not && f.IsValid() || !not && !f.IsValid():
				t.Errorf("%s: is the field public? omitted says %t", field, not)
			case not || field == "Finding.Flow":
			default:
				compare(t, path+"."+name, internal.Field(i), f)
			}
		}
	case internal.Kind() == reflect.Slice, internal.Kind() == reflect.Array && public.Kind() == reflect.Array:
		if internal.Len() != public.Len() {
			t.Errorf("%s has %d elements, want %d", path, public.Len(), internal.Len())
			return
		}
		for i := range internal.Len() {
			compare(t, fmt.Sprintf("%s[%d]", path, i), internal.Index(i), public.Index(i))
		}
	case !internal.CanConvert(public.Type()) || !internal.Convert(public.Type()).Equal(public):
		t.Errorf("%s is %v, want %v", path, public, internal)
	}
}
