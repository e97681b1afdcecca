package capture

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
)

// A records reads the records of one format. It leaves Frame.File and
// Frame.Stepped alone, and gives times as the file has them.
type records interface {
	next(*Frame) error
	close() // the end, orderly or not, has been reached
}

// A File is one input being read.
type File struct {
	records records
	in      *input
	info    Info
	clock   clock
	part    *part  // of a shard; nil for other files
	last    uint32 // number of the last frame
	index   uint16
	err     error // sticky: io.EOF or *Damage
}

// setup is what a Trace knows better than Open's defaults.
type setup struct {
	index   uint16
	block   int
	counter *atomic.Int64
}

// Open opens one input and reads its header. The error is a *Damage if the
// input is a capture whose header is cut or damaged.
func Open(name string, opts Options) (*File, error) {
	return open(name, &opts, setup{block: blockSize})
}

func open(name string, opts *Options, s setup) (*File, error) {
	in, err := openInput(name, opts)
	if err != nil {
		return nil, err
	}
	in.counter = s.counter
	f := &File{in: in, index: s.index, info: Info{File: name}}
	if err := f.begin(opts, s.block); err != nil {
		in.close()
		return nil, err
	}
	return f, nil
}

// begin finds out what the input is and reads its header.
func (f *File) begin(opts *Options, block int) error {
	plain, err := f.decompress(opts)
	if err == nil {
		err = f.recognise(newStream(plain, block), opts)
	}
	var d *Damage
	switch {
	case err == nil:
		return nil
	case errors.As(err, &d):
		return f.damaged(d)
	}
	return fmt.Errorf("%s: %w", f.info.File, err)
}

// Next reads the next frame into fr. It returns io.EOF at an orderly end and a
// *Damage where the file stops making sense, then and ever after.
func (f *File) Next(fr *Frame) error {
	if f.err != nil {
		return f.err
	}
	if err := f.records.next(fr); err != nil {
		return f.stop(err)
	}
	f.info.count(fr)
	f.last = fr.Num
	if f.part != nil {
		f.clock.max = f.part.last
		return nil
	}
	fr.File = f.index
	fr.At, fr.Stepped = f.clock.tell(fr.Num, fr.At)
	return nil
}

// stop ends the reading.
func (f *File) stop(err error) error {
	f.records.close()
	if errors.Is(err, ErrStopped) {
		err = io.EOF
	}
	var d *Damage
	if errors.As(err, &d) {
		f.damaged(d)
		f.info.Warnings = append(f.info.Warnings, d.Error())
		f.info.Err = d
	}
	f.err = err
	return err
}

// damaged completes what a reader of records says about damage.
func (f *File) damaged(d *Damage) *Damage {
	d.File = f.info.File
	d.Compression = f.info.Compression
	d.Frame = f.last
	return d
}

// Info is what is known of the file so far.
func (f *File) Info() Info { return f.info.snapshot(&f.clock) }

// Close closes the file and lets go of its block. Info stays.
func (f *File) Close() error {
	if f.in == nil {
		return nil
	}
	err := f.in.close()
	f.in, f.records = nil, nil
	if f.err == nil {
		f.err = os.ErrClosed
	}
	return err
}

// unread is what is left of a closed file that was only looked into.
func (f *File) unread() *File {
	return &File{index: f.index, part: f.part, err: f.err, info: Info{
		File:        f.info.File,
		Format:      f.info.Format,
		Compression: f.info.Compression,
		LinkTypes:   f.info.LinkTypes,
	}}
}
