package cli

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// options returns the engine's options and the output format.
func (c *command) options() (o *engine.Options, form *format, err error) {
	f := c.flags
	if form, err = chooseFormat(f.format, f.output); err != nil {
		return nil, nil, err
	}
	o = &engine.Options{MaxFlows: f.maxFlows, Workers: f.workers, AllFlows: f.flows || f.states || form.name == "html", VerifyChecksums: f.checksums, Time: f.time || f.flow != ""}
	if o.Detectors, err = chooseDetectors(c.env.Detectors, f.detect); err != nil {
		return nil, nil, err
	}
	if o.Settings, err = settings(c.env.Detectors, f); err != nil {
		return nil, nil, err
	}
	switch {
	case f.states && form.name != "text" && form.name != "json":
		err = fmt.Errorf("--states has the formats text and json, not %s", form.name)
	case f.flow != "":
		err = c.follow(o, form)
	case f.at != "":
		o.Until, err = c.parseAt(f.at)
	}
	return o, form, err
}

// parseAt reads the time of --at: RFC 3339, or seconds from the first frame, for
// which it reads that frame.
func (c *command) parseAt(at string) (int64, error) {
	if t, err := time.Parse(time.RFC3339Nano, at); err == nil && t.Year() >= 1970 && t.Year() < 2262 {
		return max(t.UnixNano(), 1), nil // 0 would mean the end
	}
	d, err := strconv.ParseFloat(at, 64)
	if err != nil || !(d >= 0 && d <= 1e9) {
		return 0, fmt.Errorf("--at %q: want a time such as 2006-01-02T15:04:05Z (1970 to 2261), or +SECONDS from the first frame", at)
	}
	for _, name := range c.flags.files {
		if !isFile(name) {
			return 0, errors.New("--at +SECONDS needs files: standard input and pipes cannot be read twice")
		}
	}
	trace, _ := source.Open(c.flags.files, capture.Options{Text: scenario.Pcapng})
	defer trace.Close()
	var fr capture.Frame
	switch trace := trace.(type) {
	case *shard.Trace:
		fr.At = trace.Start()
	case *capture.Trace:
		if trace.Next(&fr) != nil {
			return 0, errors.New("--at +SECONDS: the capture has no frames")
		}
	}
	return fr.At + int64(d*float64(time.Second)), nil
}
