package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// addTaps puts the files of --tap before the others.
func (f *flags) addTaps() error {
	var files []string
	names := map[string]bool{}
	for _, t := range f.taps {
		name, list, is := strings.Cut(t, "=")
		if !is || name == "" || list == "" || names[name] {
			return fmt.Errorf("%s: want NAME=FILE[,FILE], each NAME once", f.quoted("--tap", strconv.Quote(t)))
		}
		names[name] = true
		f.named = append(f.named, taps.Named{Name: name, Files: strings.Split(list, ",")})
		files = append(files, f.named[len(f.named)-1].Files...)
	}
	f.files = slices.Concat(files, f.files)
	return nil
}

// recognise finds out whether the captures come from several places. That needs
// files: a pipe cannot be read twice. A large one alone is read for that only if always is set;
// else what is found in it shows whether that is needed.
func (c *command) recognise(ctx context.Context, o *engine.Options, always bool) error {
	f := c.flags
	told := len(f.named) > 0 || f.each
	if slices.ContainsFunc(f.files, func(name string) bool { return !isFile(name) }) {
		switch {
		case told:
			return errors.New("--tap and --each need files: standard input and pipes cannot be read twice")
		case len(f.files) > 1:
			c.warn("standard input and pipes cannot be read twice: several inputs count as one trace, and captures of the same segments at other places are not recognised")
		}
		return nil
	}
	if c.filter != nil {
		o.Match = c.filter.match
	}
	var err error
	c.plan, err = source.Recognise(ctx, f.files, capture.Options{Text: scenario.Pcapng, Scratch: &c.inputs.scratch}, o, taps.Options{Named: f.named, Each: f.each, Interfaces: len(f.interfaces) > 1, Suspected: always})
	if err != nil {
		return err
	}
	if c.plan != nil {
		c.plan.Skip = c.skip
		o.Points = c.plan.Points()
	}
	return nil
}

// followTaps turns the connection of --flow into what each tap calls it.
func (c *command) followTaps(ctx context.Context, o *engine.Options) error {
	if c.plan == nil || o.Follow == nil {
		return nil
	}
	trace, err := c.inputs.reopen()
	if err != nil {
		return err
	}
	defer trace.Close()
	plain := *o
	plain.Follow, plain.AllFlows, plain.Detectors = nil, true, nil
	r, _ := source.RunPlan(ctx, trace, c.inputs.files, plain, c.plan)
	want := o.Follow
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.ID != want.ID && f.Key != want.Key && f.Key != (reassembly.Key{Lo: want.Key.Hi, Hi: want.Key.Lo}) {
			continue
		}
		want.ID, want.Key, want.Conns = 0, reassembly.Key{}, map[uint64]bool{f.Conn: true}
		return nil
	}
	return nil
}

// known are all detectors, those included that compare several taps.
func (c *command) known() []*detectors.Detector {
	return slices.Concat(c.env.Detectors, joint.Detectors)
}

// nameTaps names the files of taps as the captures are named.
func nameTaps(r *result.Report, briefly func([]result.Capture)) {
	before := make([]string, len(r.Captures))
	for i := range r.Captures {
		before[i] = r.Captures[i].File
	}
	briefly(r.Captures)
	for i := range r.Taps {
		for k, name := range r.Taps[i].Files {
			if at := slices.Index(before, name); at >= 0 {
				r.Taps[i].Files[k] = r.Captures[at].File
			}
		}
	}
}
