package capture

import (
	"io"
	"testing"
)

// An aheadCount counts readers that are read ahead, and were closed.
type aheadCount struct{ open, most, closed int }

func (c *aheadCount) ahead(r io.Reader, memory int) io.ReadCloser {
	c.open++
	c.most = max(c.most, c.open)
	return &aheadReader{r, c}
}

type aheadReader struct {
	io.Reader
	count *aheadCount
}

func (r *aheadReader) Close() error {
	r.count.open--
	r.count.closed++
	return nil
}

// Compressed files are read ahead, of many only some at a time, and each is closed; others,
// and pipes, are not read ahead.
func TestReadAhead(t *testing.T) {
	for _, c := range []struct {
		name         string
		files        int
		compress     func([]byte) []byte
		opened, most int
	}{
		{"one", 1, gzipped, 1, 1},
		{"plain", 1, func(b []byte) []byte { return b }, 0, 0},
		{"many", maxAhead + 4, gzipped, maxAhead, maxAhead},
		{"many plain", maxAhead + 4, func(b []byte) []byte { return b }, 0, 0},
	} {
		var count aheadCount
		trace, errs := OpenTrace(overlapping(t, c.files, c.compress), Options{})
		if errs != nil {
			t.Fatal(errs)
		}
		trace.ReadAhead(count.ahead)
		wantInterleaved(t, trace, c.files)
		if err := trace.Close(); err != nil {
			t.Error(err)
		}
		if count != (aheadCount{0, c.most, c.opened}) {
			t.Errorf("%s: %+v, want %d opened and closed, at most %d at a time", c.name, count, c.opened, c.most)
		}
	}
}
