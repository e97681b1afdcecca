package packed

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// fill gives every field a different value.
func fill(v reflect.Value, next *uint64) {
	*next++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 3, 3))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.String:
		v.SetString(strings.Repeat("x", int(*next%50)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64, reflect.Int32, reflect.Int:
		v.SetInt(int64(*next))
	default:
		v.SetUint(*next % 250)
	}
}

// filled are statistics without zero values.
func filled() *stats.Trace {
	f := new(stats.Trace)
	var n uint64
	fill(reflect.ValueOf(f).Elem(), &n)
	f.Start, f.Cuts, f.Pauses = 0, nil, nil                       // not in the block: Gaps has those pauses that count
	f.Openings = nil                                              // in a block of their own
	f.Counts.Hosts, f.Counts.Holes = stats.Hosts{}, stats.Holes{} // likewise
	f.Counts.Delays = nil                                         // likewise
	f.Counts.Scans, f.Counts.FTP = stats.Scans{}, stats.FTP{}     // likewise
	for i := range f.Numbers {
		f.Numbers[i] = stats.Number{Position: uint64(5*i + 300), Number: uint64(i + 7)}
	}
	return f
}

// Shards have all statistics of a trace.
func TestStats_holdEverything(t *testing.T) {
	want := filled()
	got, err := ParseStats(AppendOwn(AppendShared(nil, want), want))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	sum := stats.Counts{Known: true}
	sum.Add(&want.Counts)
	if !reflect.DeepEqual(sum, want.Counts) {
		t.Errorf("counts added to nothing are %+v, want %+v", sum, want.Counts)
	}
}

// A block that is cut anywhere is an error, and so is one that is too long.
func TestStats_cut(t *testing.T) {
	f := filled()
	whole := AppendOwn(AppendShared(nil, f), f)
	for n := range whole {
		if _, err := ParseStats(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d are accepted", n, len(whole))
		}
	}
	if _, err := ParseStats(append(whole, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes too many") {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestNames(t *testing.T) {
	b := AppendNames(nil, []string{"a.pcap", ""})
	if names, err := ParseNames(b); err != nil || !reflect.DeepEqual(names, []string{"a.pcap", ""}) {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := ParseNames(bytes.Repeat([]byte{0xff}, 5)); err == nil {
		t.Error("a number without an end is accepted")
	}
}

// FuzzStats: what can be read is the same after writing and reading it again.
func FuzzStats(f *testing.F) {
	x := filled()
	f.Add(AppendOwn(AppendShared(nil, x), x))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseStats(b)
		if err != nil {
			return
		}
		again, err := ParseStats(AppendOwn(AppendShared(nil, got), got))
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Errorf("%v: got\n%+v, want\n%+v", err, again, got)
		}
	})
}
