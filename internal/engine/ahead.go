package engine

import "io"

// An ahead reads ahead of who reads it, in a goroutine: for compressed captures, where
// reading takes as long as the analysis.
type ahead struct {
	full    chan block
	empty   chan []byte
	stop    chan struct{}
	stopped chan struct{}
	now     block // of which rest has not been read
	rest    []byte
}

// A block is what was read at once, and why no more comes after it, if so.
type block struct {
	buf []byte
	n   int
	err error
}

// aheadBlocks is how many blocks there are: one is read by each side, and one is on its way.
const aheadBlocks = 3

// readAhead begins to read r ahead. It is a capture.Ahead.
func readAhead(r io.Reader, memory int) io.ReadCloser {
	a := &ahead{full: make(chan block, aheadBlocks), empty: make(chan []byte, aheadBlocks), stop: make(chan struct{}), stopped: make(chan struct{})}
	for range aheadBlocks {
		a.empty <- make([]byte, memory/aheadBlocks)
	}
	go a.run(r)
	return a
}

// run fills blocks until there is an error, the end included, or nobody reads any more.
func (a *ahead) run(r io.Reader) {
	defer close(a.stopped)
	for {
		var b block
		select {
		case <-a.stop:
			return
		case b.buf = <-a.empty:
		}
		b.fill(r)
		a.full <- b // there is room for all
		if b.err != nil {
			return
		}
	}
}

// fill reads as much as there is room for.
func (b *block) fill(r io.Reader) {
	for b.n < len(b.buf) && b.err == nil {
		var n int
		n, b.err = r.Read(b.buf[b.n:])
		b.n += n
		if n == 0 {
			return
		}
	}
}

// Read reads what was read ahead.
func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.buf != nil {
			a.empty <- a.now.buf
		}
		a.now = <-a.full
		a.rest = a.now.buf[:a.now.n]
	}
	n := copy(p, a.rest)
	if a.rest = a.rest[n:]; len(a.rest) == 0 {
		return n, a.now.err
	}
	return n, nil
}

// Close stops the goroutine, and waits for that: what it reads is about to be closed.
func (a *ahead) Close() error {
	close(a.stop)
	<-a.stopped
	return nil
}
