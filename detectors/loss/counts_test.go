package loss

import (
	"reflect"
	"testing"
)

// TestCounts_add: no field is forgotten.
func TestCounts_add(t *testing.T) {
	var one, sum counts
	n := uint64(0)
	fill(reflect.ValueOf(&one).Elem(), &n)
	if sum.add(&one); sum != one {
		t.Errorf("added to nothing: %+v, want %+v", sum, one)
	}
	if sum.add(&one); sum.all() != 2*one.all() || sum.bytes != 2*one.bytes {
		t.Errorf("added twice: %+v, of %+v", sum, one)
	}
}

// fill gives each number another value.
func fill(v reflect.Value, n *uint64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(reflect.NewAt(v.Field(i).Type(), v.Field(i).Addr().UnsafePointer()).Elem(), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	default:
		*n++
		v.SetUint(*n)
	}
}
