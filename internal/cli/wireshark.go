//go:build !js

package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/wireshark"
)

// makeWiresharkDir creates the directories of --wireshark.
func (c *command) makeWiresharkDir() error {
	if c.flags.wireshark == "" {
		return nil
	}
	if err := wireshark.MakeDir(c.flags.wireshark); err != nil {
		return fmt.Errorf("--wireshark: %w", err)
	}
	return nil
}

// writeWireshark writes what shows the report in Wireshark. The captures are read
// twice more: for the states, and for what tells that Wireshark has the same file.
func (c *command) writeWireshark(ctx context.Context, r *result.Report, o *engine.Options) error {
	v := wireshark.New(r)
	v.Version = Version()
	_, err := c.again(ctx, *o, &engine.Follow{Every: true, Step: v.Step})
	if err == nil {
		v.Arrange()
		err = c.recogniseFrames(ctx, v)
	}
	if err == nil {
		err = errors.Join(c.identify(v, r.Captures), v.Write(c.flags.wireshark, &c.guard))
	}
	if err != nil {
		return fmt.Errorf("--wireshark: %w", err)
	}
	if v.LeftOut > 0 {
		c.warn("--wireshark: %d segments are shown without states: there are too many. Those of connections with findings come first", v.LeftOut)
	}
	for _, name := range wireshark.Files(c.flags.wireshark) {
		c.mention("wrote %s", name)
	}
	return nil
}

func (c *command) recogniseFrames(ctx context.Context, v *wireshark.Verdicts) error {
	trace, err := c.inputs.reopen()
	if err != nil {
		return err
	}
	defer trace.Close()
	return v.Recognise(ctx, trace.(*capture.Trace)) // shards were refused
}

// identify says what the captures are as files. Text becomes packets only here:
// Wireshark has them from elsewhere.
func (c *command) identify(v *wireshark.Verdicts, captures []result.Capture) error {
	for i, name := range c.inputs.files {
		if !isFile(name) || captures[i].Format == "scenario" {
			continue
		}
		f, err := os.Open(name)
		if err != nil { // reported when it was to be analysed
			continue
		}
		id, err := wireshark.IdentityOf(f)
		f.Close()
		if err != nil {
			return err
		}
		v.Identify(i, id)
	}
	return nil
}
