package evidence

import (
	"fmt"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// A ReplayBuffer keeps what is read through it, so that standard input can be
// read a second time. It keeps at most a number of bytes. Neither that nor a
// full disk disturbs the first reading: there is just no second one.
type ReplayBuffer struct {
	r    io.Reader
	file output.Unnamed
	size int64
	max  int64
	err  error // why there is no second reading
}

// DefaultReplayBytes is how many bytes of standard input are kept.
const DefaultReplayBytes = 1 << 30

// NewReplayBuffer reads from r and keeps up to max bytes in a temporary file
// without a name.
func NewReplayBuffer(r io.Reader, max int64) (*ReplayBuffer, error) {
	f, err := output.CreateUnnamed()
	if err != nil {
		return nil, err
	}
	return &ReplayBuffer{r: r, file: f, max: max}, nil
}

// Read reads on, and keeps what it read.
func (b *ReplayBuffer) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if n > 0 && b.err == nil {
		b.keep(p[:n])
	}
	return n, err
}

func (b *ReplayBuffer) keep(p []byte) {
	if b.size+int64(len(p)) > b.max {
		b.err = fmt.Errorf("standard input is longer than the %d bytes of it that are kept for a second reading", b.max)
	} else if n, err := b.file.Write(p); err != nil {
		b.err = fmt.Errorf("standard input cannot be kept for a second reading: %w", err)
	} else {
		b.size += int64(n)
	}
	if b.err != nil {
		b.file.Truncate(0)
	}
}

// Again reads all that was read from the beginning. The error says why that is
// not possible.
func (b *ReplayBuffer) Again() (io.Reader, error) {
	if b.err != nil {
		return nil, b.err
	}
	return io.NewSectionReader(b.file, 0, b.size), nil
}

// Close discards what was kept.
func (b *ReplayBuffer) Close() error { return b.file.Close() }
