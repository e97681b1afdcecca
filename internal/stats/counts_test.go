package stats

import (
	"reflect"
	"testing"
)

// TestCounts_Add: no count is forgotten. Answers and hosts are added in ways of their own.
func TestCounts_Add(t *testing.T) {
	var one, sum Counts
	v, n := reflect.ValueOf(&one).Elem(), uint64(0)
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.Uint64 {
			n++
			v.Field(i).SetUint(n)
		}
	}
	one.Oversized.Position = 7
	one.FINs = [2]FINs{{10, 11}, {12, 13}}
	sum.Add(&one)
	if !reflect.DeepEqual(sum, one) {
		t.Errorf("added to nothing: %+v, want %+v", sum, one)
	}
	if sum.Add(&one); sum.Talked != 2*one.Talked || sum.Oversized != one.Oversized {
		t.Errorf("added twice: %+v, of %+v", sum, one)
	}
}
