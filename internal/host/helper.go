package host

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Helper is a process that may look at the sockets of others. It is not safe for
// concurrent use.
type Helper struct {
	Limits []string // what it could not look at so far, in sentences

	command *exec.Cmd
	write   io.WriteCloser
	enc     *json.Encoder
	dec     *json.Decoder
}

// Start runs program as a helper: its Run must call Serve for Argument.
func Start(program string) (*Helper, error) {
	c := exec.Command(program, Argument)
	detach(c)
	return start(c)
}

func start(c *exec.Cmd) (*Helper, error) {
	h := &Helper{command: c}
	var err error
	if h.write, err = h.command.StdinPipe(); err != nil {
		return nil, err
	}
	read, err := h.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := h.command.Start(); err != nil {
		return nil, err
	}
	h.enc, h.dec = json.NewEncoder(h.write), json.NewDecoder(bufio.NewReader(read))
	if _, _, err := h.next(); err != nil { // it has looked around, and knows its limits
		h.Close()
		return nil, err
	}
	return h, nil
}

func (h *Helper) next() (*result.Socket, []tracepoints.Event, error) {
	var a answer
	if err := h.dec.Decode(&a); err != nil {
		return nil, nil, fmt.Errorf("the helper process: %w", err)
	}
	h.Limits = a.Limits
	return a.Socket, a.Events, nil
}

// Socket is what the kernel says now about the socket at local, or what it last said;
// nil if it is not of this machine, or unknown; and what the kernel did with segments of the
// connection, if it says that.
func (h *Helper) Socket(local, foreign reassembly.Endpoint) (*result.Socket, []tracepoints.Event, error) {
	if err := h.enc.Encode(question{local.AddrPort(), foreign.AddrPort()}); err != nil {
		return nil, nil, fmt.Errorf("the helper process: %w", err)
	}
	return h.next()
}

// Close ends the process.
func (h *Helper) Close() {
	h.write.Close()
	_ = h.command.Wait()
}
