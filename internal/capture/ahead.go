package capture

import "io"

// An Ahead reads a reader ahead, in another goroutine, into blocks of so many bytes in all.
// Close waits until it has stopped.
type Ahead func(r io.Reader, memory int) io.ReadCloser

const (
	// aheadMemory is for what is decompressed ahead of one file, in bytes.
	aheadMemory = 512 << 10
	// maxAhead is how many of many files are read ahead at a time: 8 MiB in all.
	maxAhead = 16
)

// ReadAhead has ahead decompress the trace's inputs. Those that can be read only once are
// not read ahead: they give what there is when it comes. Call it before Next.
func (t *Trace) ReadAhead(ahead Ahead) {
	t.opts.ahead = ahead
	if t.lone != nil {
		t.lone.file.in.readAhead(&t.opts)
	}
}

// readAhead has the rest of the input decompressed ahead, if it is compressed.
func (in *Input) readAhead(opts *Options) {
	if opts.ahead == nil || in.expanded == nil || in.raw.once {
		return
	}
	if d := in.decoders; d != nil {
		if d.ahead == maxAhead {
			return
		}
		d.ahead++
	}
	in.ahead = opts.ahead(*in.expanded, aheadMemory)
	*in.expanded = in.ahead
}

// stopAhead ends that, before the file is closed.
func (in *Input) stopAhead() {
	if in.ahead == nil {
		return
	}
	in.ahead.Close()
	in.ahead = nil
	if in.decoders != nil {
		in.decoders.ahead--
	}
}
