package cli

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// inputs are the captures of a run, which some outputs read a second time:
// what they show is known only when everything has been read.
type inputs struct {
	files  []string
	stdin  io.Reader
	replay *evidence.ReplayBuffer // keeps standard input, if it is to be read again
	done   chan struct{}          // closed to end the waiting for a pipe
}

const stdinName = "-"

// newInputs readies the captures; twice says that they will be read again.
func (c *command) newInputs(twice bool) (*inputs, error) {
	in := &inputs{files: c.flags.files, stdin: c.env.Stdin, done: make(chan struct{})}
	if twice && slices.Contains(in.files, stdinName) {
		replay, err := evidence.NewReplayBuffer(in.stdin, evidence.DefaultReplayBytes)
		if err != nil {
			return nil, err
		}
		in.replay, in.stdin = replay, replay
	}
	return in, nil
}

// open opens them for the first reading.
func (in *inputs) open() (*capture.Trace, []error) {
	return capture.OpenTrace(in.files, capture.Options{Stdin: in.stdin, Text: scenario.Pcapng, Pipe: pipeUntil(in.done)})
}

// again opens them once more. What is wrong with them has been told.
func (in *inputs) again() (*capture.Trace, error) {
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

func (in *inputs) close() {
	if in.replay != nil {
		in.replay.Close()
	}
}

// isFile reports whether the name is that of something that can be read as
// often as one likes. What is not there is none of our business here.
func isFile(name string) bool {
	st, err := os.Stat(name)
	return name != stdinName && (err != nil || st.Mode().IsRegular())
}
