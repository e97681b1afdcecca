package waits

import (
	"testing"
	"unsafe"
)

// Accounts are most of the memory of long connections. As many as are allocated together take whole pages: a
// few bytes more, and each chunk takes another page.
func TestAccount_size(t *testing.T) {
	if size := unsafe.Sizeof(Account{}); size > 896 {
		t.Errorf("an account takes %d bytes, want 896 at most", size)
	}
}
