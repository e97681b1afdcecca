package capture

import (
	"errors"
	"io"
	"runtime"
)

// decoderMemory is for the history of all decompressors that are open at a time, in
// bytes: as much as two of the largest need, 32 of zstd -19, or thousands of gzip.
const decoderMemory = 2 * maxWindow

// decoders is the memory that is left of it, and how many inputs are read ahead.
type decoders struct {
	free  uint64
	ahead int
}

func (d *decoders) take(n uint64) bool {
	if n > d.free {
		return false
	}
	d.free -= n
	return true
}

// unpack decompresses the whole input into the scratch file, so that it needs no history
// while it is open.
func (in *Input) unpack(d *decompressor, opts *Options) (part, error) {
	plain, err := in.expand(d, maxWindow, opts)
	if err != nil {
		return part{}, err
	}
	defer runtime.GC() // or the histories of several such files are in memory at a time
	return opts.Scratch.keep(in.Name, opts.piped(plain))
}

// A growing is decompressed as it is read, until a part of it needs more history than
// was taken. What is left is read from the scratch file.
type growing struct {
	r    io.Reader
	in   *Input
	d    *decompressor
	opts *Options
	off  int64
}

func (g *growing) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.off += int64(n)
	if errors.Is(err, errHistory) && !g.in.raw.once {
		g.in.giveBack()
		g.r, err = g.reopen()
	}
	return n, err
}

func (g *growing) reopen() (io.Reader, error) {
	raw, err := openRaw(g.in.Name, g.opts)
	if err != nil {
		return g.r, err
	}
	defer raw.close()
	p, err := (&Input{Name: g.in.Name, raw: raw}).unpack(g.d, g.opts)
	if err != nil {
		return g.r, err
	}
	return g.opts.Scratch.open(p, g.off), nil
}
