package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// inputs are the captures of a run. Some outputs read them a second time: which
// connections to show is known only at the end of the first reading.
type inputs struct {
	files   []string
	stdin   io.Reader
	replay  *evidence.ReplayBuffer // of standard input, if it will be read again
	scratch capture.Scratch        // for many compressed files
	done    chan struct{}          // closed to stop waiting for a pipe
	shift   int64                  // added to all times, in nanoseconds
}

const stdinName = "-"

// newInputs prepares for one reading of the captures, or for two.
func (c *command) newInputs(twice bool) (*inputs, error) {
	in := &inputs{files: c.flags.files, stdin: c.env.Stdin, done: make(chan struct{}), shift: c.anonymizer.timeShift()}
	if twice && slices.Contains(in.files, stdinName) {
		replay, err := evidence.NewReplayBuffer(in.stdin, evidence.DefaultReplayBytes)
		if err != nil {
			return nil, err
		}
		in.replay, in.stdin = replay, replay
	}
	if len(in.files) > 1 {
		in.scratch.Create() // while that is allowed; who needs it reports the error
	}
	return in, nil
}

func (in *inputs) close() {
	in.scratch.Close()
	if in.replay != nil {
		in.replay.Close()
	}
}

// open opens the captures for the first reading. It complains of those that cannot
// be read, and returns an error if none can.
func (c *command) open(o *engine.Options) (source.Trace, error) {
	if c.filter != nil {
		o.Match = c.filter.match
	}
	in := c.inputs
	co := in.options()
	co.Stdin, co.Pipe = in.stdin, pipeUntil(in.done)
	trace, errs := source.Open(in.files, co)
	err := errors.Join(errs...)
	if len(errs) < len(in.files) {
		c.check(err)
		c.anonymizer.learn(trace, in.files)
		c.printKey()
		err = c.suits(trace)
	}
	if err != nil {
		trace.Close()
	}
	return trace, err
}

// options are those of every reading.
func (in *inputs) options() capture.Options {
	return capture.Options{Text: scenario.Pcapng, Shift: in.shift, Scratch: &in.scratch}
}

// reopen opens the captures for the second reading. Errors are ignored: open has
// reported them.
func (in *inputs) reopen() (source.Trace, error) {
	o := in.options()
	for _, name := range in.files {
		if name == stdinName && in.replay != nil {
			r, err := in.replay.Again()
			if err != nil {
				return nil, err
			}
			o.Stdin = r
		} else if !isFile(name) {
			return nil, fmt.Errorf("%s: a pipe cannot be read twice", name)
		}
	}
	trace, _ := source.Open(in.files, o)
	return trace, nil
}

// isFile reports whether the input can be read more than once. A missing file
// counts as one: opening it reports the error.
func isFile(name string) bool {
	st, err := os.Stat(name)
	return name != stdinName && (err != nil || st.Mode().IsRegular())
}

// again reads the captures a second time, for the connections of follow.
func (c *command) again(ctx context.Context, o engine.Options, follow *engine.Follow) (*result.Report, error) {
	trace, err := c.inputs.reopen()
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	o.Detectors, o.AllFlows, o.Follow = nil, false, follow
	return source.Run(ctx, trace, o), nil
}

// complainOfInputs reports damage in inputs that could be opened. An input that is
// damaged before its first frame counts as not read.
func (c *command) complainOfInputs(trace source.Trace) {
	for _, in := range trace.Infos() {
		if in.Format == "" { // reported when it was opened
			continue
		}
		for _, w := range in.Warnings { // some begin with the name
			c.warn("%s: %s", in.File, strings.TrimPrefix(w, in.File+": "))
		}
		if in.Err != nil && in.Packets == 0 {
			c.failed = true
		}
	}
	if c.filter != nil {
		c.check(errors.Join(c.filter.refused...))
	}
}
