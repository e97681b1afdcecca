package packed

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// fill gives every field a value of its own.
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
	case reflect.Int64, reflect.Int32:
		v.SetInt(int64(*next))
	default:
		v.SetUint(*next % 250)
	}
}

// filled are facts of which nothing is zero.
func filled() *Facts {
	f := new(Facts)
	var n uint64
	fill(reflect.ValueOf(f).Elem(), &n)
	f.Start, f.Cuts = 0, nil // these are not in the block
	for i := range f.Numbers {
		f.Numbers[i] = Number{Position: uint64(5*i + 300), Number: uint64(i + 7)}
	}
	return f
}

// Whatever is known of a trace travels in its shards.
func TestFacts_holdEverything(t *testing.T) {
	want := filled()
	got, err := ParseFacts(want.AppendOwn(want.AppendShared(nil)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	sum := Census{Biggest: want.Census.Biggest}
	sum.Add(&want.Census)
	sum.Known = true
	if sum != want.Census {
		t.Errorf("a census added to nothing is %+v, want %+v", sum, want.Census)
	}
}

// What is cut off is an error, wherever it is, and so is what is too much.
func TestFacts_cut(t *testing.T) {
	f := filled()
	whole := f.AppendOwn(f.AppendShared(nil))
	for n := range whole {
		if _, err := ParseFacts(whole[:n]); err == nil {
			t.Errorf("%d bytes of %d are taken for all", n, len(whole))
		}
	}
	if _, err := ParseFacts(append(whole, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes too many") {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestNames(t *testing.T) {
	b := AppendNames(nil, []Capture{{File: "a.pcap"}, {}})
	if names, err := ParseNames(b); err != nil || !reflect.DeepEqual(names, []string{"a.pcap", ""}) {
		t.Errorf("%q, %v", names, err)
	}
	if _, err := ParseNames(bytes.Repeat([]byte{0xff}, 5)); err == nil {
		t.Error("a number without an end is taken for one")
	}
}

// FuzzFacts: what can be read, writes and reads again as the same.
func FuzzFacts(f *testing.F) {
	x := filled()
	f.Add(x.AppendOwn(x.AppendShared(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		facts, err := ParseFacts(b)
		if err != nil {
			return
		}
		again, err := ParseFacts(facts.AppendOwn(facts.AppendShared(nil)))
		if err != nil || !reflect.DeepEqual(facts, again) {
			t.Errorf("%v: got\n%+v, want\n%+v", err, again, facts)
		}
	})
}
