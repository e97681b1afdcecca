//go:build js

package cli

import (
	"errors"
	"io"

	"github.com/tcptrace-go/tcptrace/internal/source"
)

// A browser gives no access to interfaces and has no terminal. Leaving these out keeps an
// HTTP server and its TLS, and a terminal library, out of the module of the page.

var errBrowser = errors.New("a browser cannot capture: drop a file")

func (c *command) sniff() error { return errBrowser }

func listInterfaces(io.Writer) error { return errBrowser }

// showProgress shows nothing: the page sees what is read.
func (c *command) showProgress(source.Trace) (hide func()) { return func() {} }
