package evidence_test

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/tcptrace-go/tcptrace/internal/evidence"
)

func TestReplayBuffer(t *testing.T) {
	content := strings.Repeat("standard input ", 1000)
	for _, c := range []struct {
		name string
		max  int64
		why  string
	}{
		{"fits", int64(len(content)), ""},
		{"too long", int64(len(content)) - 1, "standard input is longer than the 14999 bytes of it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			s, err := evidence.NewReplayBuffer(iotest.HalfReader(strings.NewReader(content)), c.max)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			got, err := io.ReadAll(s)
			if err != nil || string(got) != content {
				t.Fatalf("read %d bytes of %d (%v)", len(got), len(content), err)
			}
			for range 2 {
				r, err := s.Again()
				if c.why != "" {
					if err == nil || !strings.HasPrefix(err.Error(), c.why) {
						t.Errorf("got %v", err)
					}
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := iotest.TestReader(r, []byte(content)); err != nil {
					t.Error(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			empty(t, os.Getenv("TMPDIR"))
		})
	}
}

// A full disk does not disturb the analysis.
func TestReplayBuffer_noSpace(t *testing.T) {
	s, err := evidence.NewReplayBuffer(bytes.NewReader(make([]byte, 100)), 1000)
	if err != nil {
		t.Fatal(err)
	}
	s.Close() // so that nothing can be written any more
	if got, err := io.ReadAll(s); err != nil || len(got) != 100 {
		t.Errorf("read %d bytes of 100 (%v)", len(got), err)
	}
	if _, err := s.Again(); err == nil || !strings.Contains(err.Error(), "cannot be kept") {
		t.Errorf("got %v", err)
	}
}
