package fsm

import (
	"reflect"
	"testing"
)

// maxViewMethods is how much a view may grow. What only one detector asks belongs into that
// detector, or, if the state machine alone can know it, into the event (docs/decisions/0012-views.md).
const maxViewMethods = 30

func TestViewStaysSmall(t *testing.T) {
	if n := reflect.TypeFor[View]().NumMethod(); n > maxViewMethods {
		t.Errorf("a View has %d methods, at most %d are wanted", n, maxViewMethods)
	}
}
