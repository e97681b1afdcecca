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
)

// inputs are the captures of a run, which some outputs read a second time:
// what they show is known only when everything has been read.
type inputs struct {
	files  []string
	stdin  io.Reader
	replay *evidence.Spool // keeps standard input, if it is to be read again
	done   chan struct{}   // closed to end the waiting for a pipe
}

const stdinName = "-"

// newInputs readies the captures; twice says that they will be read again.
func (c *command) newInputs(twice bool) (*inputs, error) {
	in := &inputs{files: c.flags.files, stdin: c.env.Stdin, done: make(chan struct{})}
	if twice && slices.Contains(in.files, stdinName) {
		replay, err := evidence.NewSpool(in.stdin, evidence.DefaultSpool)
		if err != nil {
			return nil, err
		}
		in.replay, in.stdin = replay, replay
	}
	return in, nil
}

func (in *inputs) close() {
	if in.replay != nil {
		in.replay.Close()
	}
}

// open opens the captures for the first reading. It is an error if there is
// nothing to read.
func (c *command) open(o *engine.Options) (*capture.Trace, error) {
	if c.filter != nil {
		o.Match = c.filter.match
	}
	in := c.inputs
	trace, errs := capture.OpenTrace(in.files, capture.Options{Stdin: in.stdin, Text: scenario.Pcapng, Pipe: pipeUntil(in.done)})
	if len(errs) == len(in.files) {
		return trace, errors.Join(errs...)
	}
	c.check(errors.Join(errs...))
	c.anonymizer.learn(trace, in.files)
	return trace, c.suits(trace)
}

// reopen opens the captures once more. What is wrong with them has been said.
func (in *inputs) reopen() (*capture.Trace, error) {
	o := capture.Options{Text: scenario.Pcapng}
	for _, name := range in.files {
		if name == stdinName && in.replay != nil {
			r, err := in.replay.Again()
			if err != nil {
				return nil, err
			}
			o.Stdin = r
		} else if !isFile(name) {
			return nil, fmt.Errorf("%s: what comes through a pipe cannot be read again", name)
		}
	}
	trace, _ := capture.OpenTrace(in.files, o)
	return trace, nil
}

// isFile reports whether the name is that of something that can be read as
// often as one likes. What is not there is none of our business here.
func isFile(name string) bool {
	st, err := os.Stat(name)
	return name != stdinName && (err != nil || st.Mode().IsRegular())
}

// again reads the captures once more, for connections that the first reading
// found to be of interest.
func (c *command) again(ctx context.Context, o engine.Options, follow *engine.Follow) (*result.Report, error) {
	trace, err := c.inputs.reopen()
	if err != nil {
		return nil, err
	}
	defer trace.Close()
	o.Detectors, o.AllFlows, o.Follow = nil, false, follow
	return engine.Run(ctx, trace, o), nil
}

// complainOfInputs says what is wrong with inputs that could be opened. One
// that is damaged before its first frame could not be read at all.
func (c *command) complainOfInputs(trace *capture.Trace) {
	for _, in := range trace.Infos() {
		if in.Format == "" { // complained of when it was opened
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
