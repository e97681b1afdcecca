package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report"
)

// The values of flags that take one of a few words.
var (
	stateNames = []string{report.RFC.String(), report.Netstat.String(), report.SS.String(), report.KB.String()}
	// failLevels are the severities, and one above all of them.
	failLevels = []string{detectors.Info.String(), detectors.Warning.String(), detectors.Critical.String(), "never"}
)

// wordsNote is the annotation of a flag with its possible values.
const wordsNote = "words"

// choice defines a flag that takes one of the words. They replace %s in its usage.
func choice(s *pflag.FlagSet, p *string, name, preset, usage string, words []string) {
	last := len(words) - 1
	s.StringVar(p, name, preset, fmt.Sprintf(usage, strings.Join(words[:last], ", ")+" or "+words[last]))
	s.Lookup(name).Annotations = map[string][]string{wordsNote: words}
}

// checkChoices refuses all other values of such flags.
func checkChoices(set *pflag.FlagSet) (err error) {
	set.Visit(func(f *pflag.Flag) {
		words, value := f.Annotations[wordsNote], f.Value.String()
		if err == nil && words != nil && value != f.DefValue && !slices.Contains(words, value) {
			err = fmt.Errorf("--%s %q: want one of %s", f.Name, value, strings.Join(words, ", "))
		}
	})
	return err
}
