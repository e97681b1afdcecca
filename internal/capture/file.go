package capture

import (
	"errors"
	"io"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A records reads the records of one format. It does not set Frame.File and
// Frame.Stepped, and leaves times as the file has them.
type records interface {
	next(*Frame) error
	close() // called at the end of the file, regular or not
}

// A plainRecords reads most records in a short way, several at a time, and says how many and
// how many bytes of them were captured. It leaves any other to next, and all that were not
// captured in order: none of them lies before trace time since.
type plainRecords interface {
	plain(frs []Frame, since int64) (n int, bytes uint64)
}

// A File is one capture being read.
type File struct {
	records records
	in      *Input
	info    Info
	clock   clock
	again   *again // nil until its times go back
	last    uint32 // number of the last frame
	index   uint16
	err     error // sticky: io.EOF or *Damage
}

// open opens one capture and reads its header. The error is a *Damage if the
// header is cut or damaged.
func open(name string, opts *Options, block int) (*File, error) {
	in, err := openInput(name, opts, block)
	if err != nil {
		return nil, err
	}
	return newFile(in, opts)
}

// newFile recognises the format of the input and reads its header. It closes the
// input if that fails.
func newFile(in *Input, opts *Options) (*File, error) {
	f := &File{in: in, info: Info{Capture: stats.Capture{File: in.Name, Compression: in.Compression}}, clock: clock{shift: opts.Shift}}
	if err := f.recognise(in.stream, opts); err != nil {
		in.Close()
		return nil, in.Explain(err)
	}
	return f, nil
}

// Next reads the next frame into fr. It returns io.EOF at the regular end, or a
// *Damage at the first record that is cut or damaged; further calls return the
// same error.
func (f *File) Next(fr *Frame) error {
	if f.err != nil {
		return f.err
	}
	for {
		fr.Text, fr.Missing, fr.Interface = false, 0, 0
		if err := f.records.next(fr); err != nil {
			return f.stop(err)
		}
		if f.info.Packets == 0 {
			f.clock.begins(fr.At)
		}
		fr.At = f.clock.shifted(fr.At)
		f.info.count(fr)
		before := f.last
		f.last = fr.Num
		fr.File = f.index
		again := f.cameAgain(fr)
		if !again {
			fr.At, fr.Stepped = f.clock.traceTime(fr.Num, fr.At)
		}
		if stats.Turned(before, fr.Num) {
			f.info.Turns = append(f.info.Turns, fr.At)
		}
		if !again {
			return nil
		}
	}
}

// cameAgain reports whether the frame, which has the file's time, was written before. Interfaces may capture the same at the same time.
func (f *File) cameAgain(fr *Frame) bool {
	c := &f.clock
	switch latest := c.max - c.offset; {
	case c.several || f.again == nil && fr.At >= latest-againSince:
		return false
	case f.again == nil:
		f.again = new(again)
		fallthrough
	default:
		if f.again.copies(fr, latest) {
			fr.At = c.max
			return true
		}
		if f.again.within(fr.At) {
			fr.At = max(fr.At, latest-stepBack)
		}
		return false
	}
}

// plain is Trace.Plain.
func (f *File) plain(frs []Frame) int {
	r, is := f.records.(plainRecords)
	if !is || !f.goesOn() || stats.Turned(f.last, f.last+uint32(len(frs))) {
		return 0
	}
	n, bytes := r.plain(frs, f.clock.max)
	if n == 0 {
		return 0
	}
	frs[0].File, frs[0].Stepped = f.index, false
	f.count(n, bytes, frs[n-1].At, frs[n-1].Num)
	return n
}

// window is Trace.Window.
func (f *File) window() (r packet.Records, is bool) {
	p, is := f.records.(*pcap)
	if !is || !p.usual || p.link != LinkEthernet || !f.goesOn() {
		return r, false
	}
	// Of more frames than that, some would turn the number.
	if stats.Turned(f.last, f.last+uint32(p.end-p.off)) {
		return r, false
	}
	return packet.Records{Block: p.buf[p.off:min(p.end, p.off+maxFrame)], Second: p.second, Unit: p.unit, Since: f.clock.max, Num: p.num, File: f.index}, true
}

// goesOn reports whether nothing was unusual until now.
func (f *File) goesOn() bool {
	return f.err == nil && f.info.Packets > 0 && f.clock.shift == 0 && len(f.clock.steps) == 0 && f.again == nil
}

// passed is Trace.Passed.
func (f *File) passed(n, bytes int, last int64) {
	p := f.records.(*pcap)
	p.off += bytes
	p.num += uint32(n)
	f.count(n, uint64(bytes-n*pcapRecordHeader), last, p.num)
}

// count counts frames that were read together.
func (f *File) count(n int, bytes uint64, at int64, num uint32) {
	f.clock.max, f.clock.last = at, at
	f.info.Last = at
	f.info.Packets += uint64(n)
	f.info.Bytes += bytes
	f.last = num
}

// stop ends the reading.
func (f *File) stop(err error) error {
	f.records.close()
	if errors.Is(err, ErrStopped) {
		err = io.EOF
	}
	var d *Damage
	if errors.As(err, &d) {
		d.Frame = f.last
		f.in.Explain(d)
		f.info.Warnings = append(f.info.Warnings, d.Error())
		f.info.Err = d
	}
	f.err = err
	return err
}

// Info is what is known of the file so far.
func (f *File) Info() Info { return f.info.snapshot(&f.clock, f.again) }

// Close closes the file and releases its block. Info remains valid.
func (f *File) Close() error {
	if f.in == nil {
		return nil
	}
	err := f.in.Close()
	f.in, f.records = nil, nil
	if f.err == nil {
		f.err = os.ErrClosed
	}
	return err
}

// unread is a closed file of which only the first frame was read.
func (f *File) unread() *File {
	return &File{index: f.index, err: f.err, info: Info{Capture: stats.Capture{
		File:        f.info.File,
		Format:      f.info.Format,
		Compression: f.info.Compression,
		LinkTypes:   f.info.LinkTypes,
	}}}
}
