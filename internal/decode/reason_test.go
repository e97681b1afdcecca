package decode

import "testing"

func TestReason_names(t *testing.T) {
	seen := map[string]bool{}
	for r := range NumReasons + 1 {
		name := r.String()
		if name == "" || seen[name] {
			t.Errorf("Reason %d is called %q", uint8(r), name)
		}
		seen[name] = true
	}
}
