//go:build js

package cli

import (
	"context"
	"errors"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// A browser gives no access to interfaces and has no terminal, and nobody runs Wireshark or
// a cluster from there. Leaving these out keeps the module of the page small: an HTTP server
// with its TLS, a terminal library, and what writes shards.

var errBrowser = errors.New("not in a browser")

func (c *command) sniff() error { return errBrowser }

func (c *command) sniffSeveral() error { return errBrowser }

func listInterfaces(io.Writer) error { return errBrowser }

func (c *command) split() error { return errBrowser }

func (c *command) makeWiresharkDir() error {
	if c.flags.wireshark != "" {
		return errBrowser
	}
	return nil
}

func (c *command) writeWireshark(context.Context, *result.Report, *engine.Options) error {
	return errBrowser
}

// showProgress shows nothing: the page sees what is read.
func (c *command) showProgress(source.Trace) (hide func()) { return func() {} }
