package capture

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"

	"github.com/tcptrace-go/tcptrace/internal/packet"
)

// A Trace is several captures read as one, their frames merged by time. Frames
// with equal times come in the order of the files' first frames, then of their
// names, so that the order on the command line makes no difference.
//
// Trace time is the time in the files, except after clock steps: if a file's
// clock goes back by more than a second, its later frames are shifted so that
// time goes on. RawTime undoes that for printing.
type Trace struct {
	opts    Options
	single  bool      // there is only one input, which needs no merging
	stdin   bool      // standard input was opened
	members []*member // in the order of the command line
	lone    *member   // the only one, until it has been read
	merge   merging
	read    atomic.Int64
	total   int64
	scratch Scratch // if it is the trace's own
}

// maxInputs is how many files Frame.File can tell apart.
const maxInputs = math.MaxUint16 + 1

// OpenTrace opens the named inputs as one trace. Inputs that cannot be read are
// reported and left out.
func OpenTrace(names []string, opts Options) (*Trace, []error) {
	t, err := NewTrace(len(names), opts)
	if err != nil {
		return t, []error{err}
	}
	var errs []error
	for _, name := range names {
		in, err := t.OpenInput(name)
		if err == nil {
			err = t.Add(in)
		}
		if err != nil {
			t.LeaveOut(name, err)
			errs = append(errs, err)
		}
	}
	t.Begin()
	return t, errs
}

// NewTrace returns a trace for so many inputs. In the order of the command line,
// call Add or LeaveOut for each, and then Begin.
func NewTrace(inputs int, opts Options) (*Trace, error) {
	t := &Trace{opts: opts, single: inputs == 1}
	if !t.single {
		t.opts.decoders = &decoders{free: decoderMemory}
	}
	if opts.Scratch == nil {
		t.opts.Scratch = &t.scratch
	}
	if inputs > maxInputs {
		return t, fmt.Errorf("%d inputs are too many: %d can be merged", inputs, maxInputs)
	}
	return t, nil
}

// OpenInput opens the next input of the trace, for Add.
func (t *Trace) OpenInput(name string) (*Input, error) {
	if name == stdinName {
		if t.stdin {
			return nil, errors.New("-: standard input can be read only once")
		}
		t.stdin = true
	}
	block := 0
	if t.single {
		block = blockSize
	}
	return openInput(name, &t.opts, block)
}

// Add adds an input and reads its header. If the input is not a capture, Add
// closes it and returns the reason.
func (t *Trace) Add(in *Input) error {
	f, err := newFile(in, &t.opts)
	if err != nil {
		return err
	}
	m := t.member(in.Name)
	m.file, f.index = f, m.index
	if t.single {
		in.Count(&t.read)
		t.lone, t.total = m, in.Size()
	} else {
		t.peek(m)
	}
	return nil
}

// LeaveOut records why an input is not part of the trace, for Infos.
func (t *Trace) LeaveOut(name string, err error) { t.member(name).err = err }

func (t *Trace) member(name string) *member {
	m := &member{name: name, index: uint16(len(t.members))}
	t.members = append(t.members, m)
	return m
}

// Next reads the next frame of the trace into fr. It returns io.EOF when every
// file has been read. Damage ends only the file that it is in; see its Info.
func (t *Trace) Next(fr *Frame) error {
	if t.lone == nil {
		return t.nextMerged(fr)
	}
	if t.lone.file.Next(fr) == nil {
		return nil
	}
	t.lone.file.Close()
	t.lone = nil
	return io.EOF
}

// Plain reads the next frames into frs, as far as they are in memory already and nothing is
// unusual about them or their times, and returns how many that are. After none, Next says
// what comes. Their data are valid until the next call of either. All come from the same file, which
// only the first says.
func (t *Trace) Plain(frs []Frame) int {
	if t.lone == nil {
		return 0
	}
	return t.lone.file.plain(frs)
}

// Window is the records that Plain would read, if they are those of a pcap file of Ethernet frames. Whoever reads some says so
// to Passed.
func (t *Trace) Window() (r packet.Records, is bool) {
	if t.lone == nil {
		return r, false
	}
	return t.lone.file.window()
}

// Passed says that the first n records of the Window were read, which take so many bytes, and that the last was
// captured at that time, none of them before another.
func (t *Trace) Passed(n, bytes int, last int64) { t.lone.file.passed(n, bytes, last) }

// Infos describes every input in the order of the command line, including those
// that could not be read.
func (t *Trace) Infos() []Info {
	infos := make([]Info, len(t.members))
	for i, m := range t.members {
		infos[i] = m.info()
	}
	return infos
}

// End is the end of the trace so far, in trace time: the latest frame of any
// kind, or a later end that a file states.
func (t *Trace) End() (end int64) {
	for _, m := range t.members {
		if m.file != nil {
			end = max(end, m.file.clock.end())
		}
	}
	return end
}

// EndOf is End for one input.
func (t *Trace) EndOf(file int) int64 {
	if m := t.members[file]; m.file != nil {
		return m.file.clock.end()
	}
	return 0
}

// Steps is the number of clock steps in all files so far.
func (t *Trace) Steps() (steps int) {
	for _, m := range t.members {
		if m.file != nil {
			steps += len(m.file.clock.steps)
		}
	}
	return steps
}

// RawTime is the time that a frame has in its file, given its trace time.
func (t *Trace) RawTime(file uint16, frame uint32, at int64) int64 {
	if int(file) >= len(t.members) || t.members[file].file == nil {
		return at
	}
	return t.members[file].file.clock.steps.RawTime(frame, at)
}

// Progress returns the bytes read so far and the total, as stored on disk. The
// total is 0 if it is unknown. Progress may be called from any goroutine.
func (t *Trace) Progress() (read, total int64) { return t.read.Load(), t.total }

// Close closes whatever is still open.
func (t *Trace) Close() error {
	var errs []error
	for _, m := range t.members {
		if m.file != nil {
			errs = append(errs, m.file.Close())
		}
	}
	errs = append(errs, t.scratch.Close())
	t.lone, t.merge = nil, merging{}
	return errors.Join(errs...)
}
