package pipeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	joint "github.com/tcptrace-go/tcptrace/detectors/taps"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// Options are the settings of one run.
type Options struct {
	Inputs   []string // names and patterns, in the order of the files
	Taps     []Tap    // captures of the same connections from several places, before the others
	Output   string   // folder
	Detect   string   // as --detect of the command: "a,b" or "-a,-b"
	Set      []string // as --set: "slug.param=value"
	TimeWait time.Duration
	Version  string // of tcptrace, for the report

	// Group bounds the bytes of one connection that travel, for all files together.
	// Least may always travel for each file. The rest goes to runs. 0: 256 MiB and
	// 64 KiB.
	Group, Least int
	// Hold bounds the bytes that the reader of a file holds back. 0: 64 MiB.
	Hold int
	// Range is how many connections one worker sorts at once. Of findings, it is a
	// tenth as many. 0: 100,000.
	Range int
}

// A Tap is a place where connections were captured, and the captures from there.
type Tap struct {
	Name   string
	Inputs []string // names and patterns
}

func (o Options) filled() Options {
	if o.Group == 0 {
		o.Group, o.Least = 256<<20, packed.MaxChunk
	}
	if o.Hold == 0 {
		o.Hold = 64 << 20
	}
	if o.Range == 0 {
		o.Range = 100_000
	}
	return o
}

// engine returns the options of the engine.
func (o *Options) engine() (engine.Options, error) {
	e := engine.Options{Settings: &detectors.Settings{TimeWait: o.TimeWait}}
	var err error
	if e.Detectors, err = choose(o.Detect); err != nil {
		return e, err
	}
	for _, arg := range o.Set {
		if err := set(e.Settings, arg); err != nil {
			return e, err
		}
	}
	return e, nil
}

// skipped are the detectors of several taps that were not chosen.
func (o *Options) skipped() map[string]bool {
	skip := map[string]bool{}
	for _, d := range joint.Detectors {
		switch without := strings.HasPrefix(o.Detect, "-"); {
		case o.Detect == "":
		case without:
			skip[d.Name] = slices.Contains(strings.Split(o.Detect, ","), "-"+d.Name)
		default:
			skip[d.Name] = !slices.Contains(strings.Split(o.Detect, ","), d.Name)
		}
	}
	return skip
}

// noDetector chooses none.
const noDetector = "-"

// choose picks detectors: "a,b" only these, "-a,-b" all but these.
func choose(list string) (chosen []*detectors.Detector, err error) {
	switch list {
	case "":
		return catalogue.All, nil
	case noDetector:
		return nil, nil
	}
	named := map[string]bool{}
	without := strings.HasPrefix(list, "-")
	for _, word := range strings.Split(list, ",") {
		slug, minus := strings.CutPrefix(strings.TrimSpace(word), "-")
		if minus != without {
			return nil, fmt.Errorf("detect %q: either name what to run, or with - what to leave out", list)
		}
		if find(slug) == nil {
			return nil, fmt.Errorf("detect: there is no detector %q", slug)
		}
		named[slug] = true
	}
	for _, d := range catalogue.All {
		if named[d.Name] != without {
			chosen = append(chosen, d)
		}
	}
	return chosen, nil
}

func find(slug string) *detectors.Detector {
	for _, d := range slices.Concat(catalogue.All, joint.Detectors) {
		if d.Name == slug {
			return d
		}
	}
	return nil
}

// set changes one threshold.
func set(s *detectors.Settings, arg string) error {
	name, value, ok := strings.Cut(arg, "=")
	slug, param, dotted := strings.Cut(name, ".")
	d := find(slug)
	switch {
	case !ok || !dotted:
		return fmt.Errorf("set %q: want SLUG.PARAM=VALUE", arg)
	case d == nil:
		return fmt.Errorf("set: there is no detector %q", slug)
	}
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return fmt.Errorf("set %s: %q is not a number", name, value)
	}
	return s.Set(d, param, v)
}
