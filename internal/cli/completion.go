package cli

import (
	"embed"
	"io"
	"strings"
	"text/template"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// shells with a completion template.
var shells = []string{"bash", "zsh", "fish"}

//go:embed completion
var completions embed.FS

// completion writes the completion script for a shell.
func completion(w io.Writer, shell string, groups []group, all []*detectors.Detector) error {
	t, err := template.New(shell+".tmpl").Funcs(template.FuncMap{
		"join":   strings.Join,
		"escape": strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace,                                    // within quotes of fish
		"spec":   strings.NewReplacer(`\`, `\\`, `'`, `'\''`, `[`, `\[`, `]`, `\]`, `:`, `\:`).Replace, // within one of _arguments
	}).ParseFS(completions, "completion/"+shell+".tmpl")
	if err != nil {
		return err
	}
	return t.Execute(w, newDocument(groups, all))
}
