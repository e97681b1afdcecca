package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
)

// options returns the engine's options and the output format.
func (c *command) options() (o *engine.Options, form *format, err error) {
	f := c.flags
	if form, err = chooseFormat(f.format, f.output); err != nil {
		return nil, nil, err
	}
	o = &engine.Options{MaxFlows: f.maxFlows, Workers: f.workers, AllFlows: f.flows || f.states || form.name == "html", VerifyChecksums: f.checksums, Time: f.time || f.flow != "", Ending: collectsAtEnd()}
	chosen, err := chooseDetectors(c.known(), f.detect)
	if err != nil {
		return nil, nil, err
	}
	o.Detectors = slices.DeleteFunc(slices.Clone(chosen), func(d *detectors.Detector) bool { return d.Watch == nil })
	c.skip = map[string]bool{}
	for _, d := range joint.Detectors {
		c.skip[d.Name] = !slices.Contains(chosen, d)
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
		o.Until, err = c.parseTime("--at", f.at)
	}
	if err == nil && f.from != "" {
		o.From, err = c.parseTime("--from", f.from)
	}
	if err == nil && f.to != "" {
		if o.Until, err = c.parseTime("--to", f.to); err == nil && o.From > o.Until {
			err = errors.New("--from is later than --to")
		}
	}
	if err == nil {
		err = c.checkSort(form)
	}
	if err == nil {
		err = c.resolve(o)
	}
	if err == nil && f.baseline != "" {
		c.baseline, err = readBaseline(f.baseline)
	}
	if err == nil && f.flow != "" && form.name == "ndjson" {
		err = errors.New("--flow has the formats text, json, markdown, html, csv and scenario, not ndjson")
	}
	c.allFlows = o.AllFlows
	return o, form, err
}

// checkSort refuses a key that no list has that is to be printed.
func (c *command) checkSort(form *format) error {
	f := c.flags
	if f.sort == "" {
		return nil
	}
	var keys []string
	if !f.states && f.flow == "" && form.name != "scenario" && !(f.flows && form.name == "csv") {
		keys = append(keys, report.FindingOrders...)
	}
	if f.flows {
		keys = append(keys, report.FlowOrders...)
	}
	switch {
	case len(keys) == 0:
		return errors.New("--sort: no list is printed that could be sorted")
	case !slices.Contains(keys, f.sort):
		return fmt.Errorf("--sort %q: want one of %s (for findings: %s; for connections, with --flows: %s)", f.sort, strings.Join(slices.Compact(slices.Sorted(slices.Values(keys))), ", "),
			strings.Join(report.FindingOrders, ", "), strings.Join(report.FlowOrders, ", "))
	}
	return nil
}
