package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// option is a flag as the manual page and shell completion describe it.
type option struct {
	Long, Short string   // without dashes; most have no short name
	Value       string   // placeholder of its value, such as FILE; empty if it takes none
	Says        string   // its usage, with Value between `` as pflag has it
	Default     string   // empty if that is zero or empty
	Words       []string // possible values, or possible parts of a list
	Repeats     bool
}

// section is a group of options.
type section struct {
	Title   string
	Options []option
}

// document is the data of the templates of the manual page and of completion.
type document struct {
	Sections  []section
	Detectors []*detectors.Detector
}

func newDocument(groups []group, all []*detectors.Detector) document {
	doc := document{Detectors: all}
	for _, g := range groups {
		s := section{Title: g.title}
		g.set.VisitAll(func(f *pflag.Flag) { s.Options = append(s.Options, newOption(f, all)) })
		doc.Sections = append(doc.Sections, s)
	}
	return doc
}

func newOption(f *pflag.Flag, all []*detectors.Detector) option {
	o := option{Long: f.Name, Short: f.Shorthand, Says: f.Usage, Words: f.Annotations[wordsNote]}
	if f.NoOptDefVal == "" { // switches need no value
		o.Value, _ = pflag.UnquoteUsage(f)
	}
	if !slices.Contains([]string{"", "0", "0s", "[]", "false"}, f.DefValue) {
		o.Default = f.DefValue
	}
	_, o.Repeats = f.Value.(pflag.SliceValue)
	switch o.Value {
	case "SLUG", "LIST":
		for _, d := range all {
			o.Words = append(o.Words, d.Name)
		}
	case "SLUG.PARAM=VALUE":
		for _, d := range all {
			for _, p := range d.Params {
				o.Words = append(o.Words, d.Name+"."+p.Name+"=")
			}
		}
	}
	return o
}

// Options returns the options of all sections.
func (d document) Options() []option {
	var all []option
	for _, s := range d.Sections {
		all = append(all, s.Options...)
	}
	return all
}

// Spellings returns the names with their dashes.
func (o option) Spellings() []string {
	if o.Short == "" {
		return []string{"--" + o.Long}
	}
	return []string{"-" + o.Short, "--" + o.Long}
}

// Plain returns the usage without backquotes.
func (o option) Plain() string { return strings.ReplaceAll(o.Says, "`", "") }
