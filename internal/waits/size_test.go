package waits

import (
	"testing"
	"unsafe"
)

// Accounts are most of the memory of long connections. As many as are allocated together take whole pages: a
// few bytes more, and each chunk takes another page.
func TestAccount_size(t *testing.T) {
	if size := unsafe.Sizeof(Account{}); size > 1024 {
		t.Errorf("an account takes %d bytes, want 1024 at most", size)
	}
}
