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
	known := *one.known
	if sum.add(&one); !reflect.DeepEqual(sum, one) {
		t.Errorf("added to nothing: %+v, want %+v", sum, one)
	}
	one.known = &known // sum has the other
	var zero notLost
	if zero.add(&known); zero != known {
		t.Errorf("added to nothing: %+v, want %+v", zero, known)
	}
	if sum.add(&one); sum.all() != 2*one.all() || sum.bytes != 2*one.bytes || sum.allSpurious() != 2*one.allSpurious() {
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
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	default:
		*n++
		v.SetUint(*n)
	}
}
