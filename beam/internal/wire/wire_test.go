package wire

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/outcome"
)

// fill sets every field; slices get n elements.
func fill(v reflect.Value, r *rand.Rand, n int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat(r.Float64())
	case reflect.String:
		v.SetString(string([]byte{byte(r.Uint32()), 0, 'x'}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r, n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(settable(v.Field(i)), r, n)
		}
	case reflect.Pointer:
		if r.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r, n)
		}
	case reflect.Interface:
		v.Set(reflect.ValueOf([]any{nil, -5, 0.5, "word"}[1+r.IntN(3)]))
	}
}

func roundTrip[T any](t *testing.T) {
	for seed := range uint64(20) {
		want, have := new(T), new(T)
		fill(reflect.ValueOf(want).Elem(), rand.New(rand.NewPCG(seed, 0)), 3)
		b := Append(nil, want)
		rest, err := Read(append(b, 7), have)
		if err != nil || len(rest) != 1 || !reflect.DeepEqual(want, have) {
			t.Fatalf("%v, %d bytes left; wrote\n%+v, read\n%+v", err, len(rest), want, have)
		}
	}
	for seed := range uint64(5) { // single elements, so that all beginnings can be tried
		v := new(T)
		fill(reflect.ValueOf(v).Elem(), rand.New(rand.NewPCG(seed, 0)), 1)
		b := Append(nil, v)
		for n := range b {
			if _, err := Read(b[:n], new(T)); err == nil {
				t.Fatalf("%d of %d bytes are a %T", n, len(b), *v)
			}
		}
	}
}

// All types are the same after a round trip, with all of their fields.
func TestRoundTrip(t *testing.T) {
	roundTrip[outcome.Connection](t)
	roundTrip[outcome.Finding](t)
	roundTrip[outcome.Sums](t)
	roundTrip[intake.Stats](t)
	roundTrip[intake.Whole](t)
}
