package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
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
	taps   *anonymize.Names // as --tap named them
	others *anonymize.Names // files that only messages name, and the address of --metrics
	shift  int64            // of times, in nanoseconds; 0 without --anonymize-times
}

// newAnonymizer reads the key. If it cannot, what it returns still serves for the message about
// that.
func newAnonymizer(f *flags) (*anonymizer, error) {
	if !f.anonymize {
		return nil, nil
	}
	a := &anonymizer{taps: f.renameTaps(), others: f.others()}
	a.nameInputs(f)
	key := anonymize.NewKey()
	if f.anonymizeKey != "" {
		content, err := os.ReadFile(f.anonymizeKey)
		if err != nil {
			return a, fmt.Errorf("--anonymize-key: %w", err)
		}
		if key, err = anonymize.ParseKey(content); err != nil {
			return a, fmt.Errorf("--anonymize-key %s: %w", f.anonymizeKey, err)
		}
	}
	a.mapper = anonymize.New(key)
	if f.anonymizeTimes {
		a.shift = int64(a.mapper.TimeShift())
	}
	return a, nil
}

// nameInputs gives the inputs names: again if a directory turns out to have captures, or
// what several interfaces saw has become a file.
func (a *anonymizer) nameInputs(f *flags) {
	if a == nil {
		return
	}
	inputs := f.files
	if f.iface != "" { // its files are words of a filter
		inputs = f.interfaces
	}
	a.names = anonymize.NewNames(slices.Concat(inputs, f.sockets))
}

// renameTaps numbers the names of --tap, which may say whose network it is.
func (f *flags) renameTaps() *anonymize.Names {
	n := anonymize.NewNames(nil)
	for i := range f.named {
		replacement := fmt.Sprintf("tap-%d", i+1)
		n.Add(f.named[i].Name, replacement)
		f.named[i].Name = replacement
	}
	return n
}

// others are the names in flags that no report contains, but messages may.
func (f *flags) others() *anonymize.Names {
	n := anonymize.NewNames(nil)
	for _, x := range [...]struct{ name, replacement string }{
		{f.anonymizeKey, "key"}, {f.baseline, "baseline"}, {f.filterBPF, "filter"}, {f.evidence, "evidence"}, {f.output, "output"},
	} {
		if n.Add(x.name, x.replacement); x.name != "" {
			n.Add(filepath.Dir(x.name), "directory") // of a temporary file
		}
	}
	if host, _, err := net.SplitHostPort(f.metrics); err == nil {
		n.Add(host, anonymize.Address)
	}
	return n
}

// printKey prints which replacement stands for which input, for the user alone: it is not
// anonymized.
func (c *command) printKey() {
	if c.anonymizer == nil || c.flags.quiet {
		return
	}
	for _, names := range []*anonymize.Names{c.anonymizer.names, c.anonymizer.taps} {
		for original, replacement := range names.All() {
			fmt.Fprintf(c.env.Stderr, "tcptrace: %s stands for %s\n", replacement, report.Clean(original))
		}
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

// text replaces names and addresses in a message. Addresses in captures have been replaced
// before: what is left was in a flag, or is one of this machine.
func (a *anonymizer) text(s string) string {
	if a == nil {
		return s
	}
	return anonymize.HideAddresses(a.others.In(a.names.In(s)))
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
