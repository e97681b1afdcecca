package cli

import (
	"fmt"
	"os"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// An anonymizer replaces addresses and names for --anonymize. A nil one changes
// nothing.
type anonymizer struct {
	mapper *anonymize.Mapper
	names  *anonymize.Names
	shift  int64 // of times, in nanoseconds; 0 without --anonymize-times
}

func newAnonymizer(f *flags) (*anonymizer, error) {
	if !f.anonymize {
		return nil, nil
	}
	key := anonymize.NewKey()
	if f.anonymizeKey != "" {
		content, err := os.ReadFile(f.anonymizeKey)
		if err != nil {
			return nil, fmt.Errorf("--anonymize-key: %w", err)
		}
		if key, err = anonymize.ParseKey(content); err != nil {
			return nil, fmt.Errorf("--anonymize-key %s: %w", f.anonymizeKey, err)
		}
	}
	inputs := f.files
	if f.iface != "" { // its files are words of a filter
		inputs = []string{f.iface}
	}
	inputs = slices.Concat(inputs, f.sockets)
	a := &anonymizer{mapper: anonymize.New(key), names: anonymize.NewNames(inputs)}
	if f.anonymizeTimes {
		a.shift = int64(a.mapper.TimeShift())
	}
	return a, nil
}

// printKey prints which replacement stands for which file, for the user alone: it is not
// anonymized.
func (c *command) printKey() {
	if c.anonymizer == nil || c.flags.quiet {
		return
	}
	for original, replacement := range c.anonymizer.names.All() {
		fmt.Fprintf(c.env.Stderr, "tcptrace: %s stands for %s\n", replacement, report.Clean(original))
	}
}

// apply makes the decoder rewrite segments, so that nothing after it sees an
// original address.
func (a *anonymizer) apply(o *engine.Options) {
	if a == nil {
		return
	}
	o.Rewrite, o.Rename = a.mapper.Segment, a.name
	for _, flag := range []*int64{&o.From, &o.Until} { // 0 if not given
		if *flag != 0 {
			*flag += a.shift
		}
	}
	if o.Follow != nil {
		o.Follow.Key.Lo, o.Follow.Key.Hi = a.mapper.Endpoint(o.Follow.Key.Lo), a.mapper.Endpoint(o.Follow.Key.Hi)
	}
}

// learn adds the names of captures recorded in the shards of the trace.
func (a *anonymizer) learn(trace source.Trace, files []string) {
	if _, is := trace.(*shard.Trace); !is || a == nil {
		return
	}
	var names []string
	for _, info := range trace.Infos() {
		names = append(names, info.File)
	}
	a.names = anonymize.NewNames(slices.Concat(names, files))
}

// timeShift is what is added to all times.
func (a *anonymizer) timeShift() int64 {
	if a == nil {
		return 0
	}
	return a.shift
}

// name is the replacement of an input's name.
func (a *anonymizer) name(input string) string {
	if a == nil {
		return input
	}
	return a.names.Of(input)
}

// text replaces the names of files in a message.
func (a *anonymizer) text(s string) string {
	if a == nil {
		return s
	}
	return a.names.In(s)
}

// captures replaces the names of files in a report.
func (a *anonymizer) captures(r *result.Report) {
	if a != nil {
		a.names.Captures(r.Captures)
	}
}

// packed replaces the names of files and interfaces in shards.
func (a *anonymizer) packed(captures []stats.Capture) {
	if a == nil {
		return
	}
	for i := range captures {
		c := &captures[i]
		c.File = a.names.Of(c.File)
		for j, name := range c.Interfaces {
			if name != "" {
				c.Interfaces[j] = fmt.Sprintf("interface-%d", j+1)
			}
		}
		for j := range c.Warnings {
			c.Warnings[j] = a.names.In(c.Warnings[j])
		}
	}
}
