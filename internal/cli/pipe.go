package cli

import (
	"io"

	"github.com/tcptrace-go/tcptrace/internal/capture"
)

// A pipe reads from a reader that may block, and stops when done is closed.
type pipe struct {
	r     io.Reader
	done  <-chan struct{}
	got   chan got
	block []byte
	rest  []byte // of the block, not yet read
	err   error  // after the rest
}

// got is the result of one Read.
type got struct {
	n   int
	err error
}

// pipeUntil returns a function for capture.Options.Pipe.
func pipeUntil(done <-chan struct{}) func(io.Reader) io.Reader {
	return func(r io.Reader) io.Reader {
		return &pipe{r: r, done: done, block: make([]byte, 64<<10), got: make(chan got, 1)}
	}
}

// Read may leave a goroutine behind that is blocked in Read. Its block is not used
// again.
func (p *pipe) Read(b []byte) (int, error) {
	if len(p.rest) == 0 && p.err == nil {
		go func() {
			n, err := p.r.Read(p.block)
			p.got <- got{n, err}
		}()
		select {
		case <-p.done:
			p.err = capture.ErrStopped
		case g := <-p.got:
			p.rest, p.err = p.block[:g.n], g.err
		}
	}
	if len(p.rest) == 0 {
		return 0, p.err
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
