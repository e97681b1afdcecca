package cli

import (
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/names"
)

// resolveCapture is the value of --resolve that is no file.
const resolveCapture = "capture"

// resolve reads the names of --resolve, or has the engine look for them.
func (c *command) resolve(o *engine.Options) error {
	if c.flags.resolve == "" {
		return nil
	}
	c.names = names.Table{}
	if c.flags.resolve == resolveCapture {
		o.DNS = c.names.DNS
		return nil
	}
	text, err := os.ReadFile(c.flags.resolve)
	if err != nil {
		return fmt.Errorf("--resolve: %w", err)
	}
	if err := c.names.Hosts(text); err != nil {
		return fmt.Errorf("--resolve %s: %w", c.flags.resolve, err)
	}
	return nil
}
