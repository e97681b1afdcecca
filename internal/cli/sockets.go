package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sockets"
)

// readSockets reads the records of --sockets. To join them, the report has to have all
// connections.
func (c *command) readSockets(o *engine.Options) error {
	for _, name := range c.flags.sockets {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("--sockets: %w", err)
		}
		so := sockets.Options{Shift: c.anonymizer.timeShift()}
		if c.anonymizer != nil {
			so.Endpoint, so.Hide = c.anonymizer.mapper.Endpoint, true
		}
		log, err := sockets.Parse(file, so)
		file.Close()
		if err != nil {
			return fmt.Errorf("--sockets %s: %w", name, err)
		}
		c.sockets = append(c.sockets, log)
		o.AllFlows = true
	}
	return nil
}

// joinSockets adds them to the report. The captures are read a second time for the
// states at the times of the records.
func (c *command) joinSockets(ctx context.Context, r *result.Report, o *engine.Options) {
	if c.sockets == nil {
		return
	}
	j := sockets.NewJoin(r, c.sockets)
	if conns := j.Conns(); len(conns) > 0 {
		if _, err := c.again(ctx, *o, &engine.Follow{Conns: conns, Step: j.Step}); err != nil {
			c.warn("--sockets: the kernel's states are not compared with those of the capture: %v", err)
		}
	}
	j.Close()
	if !c.allFlows {
		r.Flows = withFindings(r)
	}
}
