package cli

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// inputs are the captures of a run, which some outputs read a second time:
// what they show is known only when everything has been read.
type inputs struct {
	files []string
	stdin io.Reader
	spool *evidence.Spool // keeps standard input, if it is to be read again
	done  chan struct{}   // closed to end the waiting for a pipe
}

const stdinName = "-"

// newInputs readies the captures; twice says that they will be read again.
func (c *command) newInputs(twice bool) (*inputs, error) {
	in := &inputs{files: c.flags.files, stdin: c.env.Stdin, done: make(chan struct{})}
	if twice && slices.Contains(in.files, stdinName) {
		spool, err := evidence.NewSpool(in.stdin, evidence.DefaultSpool)
		if err != nil {
			return nil, err
		}
		in.spool, in.stdin = spool, spool
	}
	return in, nil
}

// open opens them for the first reading.
func (in *inputs) open() (source.Trace, []error) {
	return source.Open(in.files, capture.Options{Stdin: in.stdin, Text: scenario.Pcapng, Pipe: pipeUntil(in.done)})
}

// again opens them once more. What is wrong with them has been told.
func (in *inputs) again() (source.Trace, error) {
	o := capture.Options{Text: scenario.Pcapng}
	for _, name := range in.files {
		if name == stdinName && in.spool != nil {
			r, err := in.spool.Again()
			if err != nil {
				return nil, err
			}
			o.Stdin = r
		} else if !isFile(name) {
			return nil, fmt.Errorf("%s: what comes through a pipe cannot be read again", name)
		}
	}
	trace, _ := source.Open(in.files, o)
	return trace, nil
}

func (in *inputs) close() {
	if in.spool != nil {
		in.spool.Close()
	}
}

// isFile reports whether the name is that of something that can be read as
// often as one likes. What is not there is none of our business here.
func isFile(name string) bool {
	st, err := os.Stat(name)
	return name != stdinName && (err != nil || st.Mode().IsRegular())
}
