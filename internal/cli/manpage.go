package cli

import (
	_ "embed"
	"io"
	"strings"
	"text/template"

	"github.com/tcptrace-go/tcptrace/detectors"
)

//go:embed manpage.tmpl
var manPageText string

// manPage writes the manual page in roff, with the man macros.
func manPage(w io.Writer, groups []group, all []*detectors.Detector) error {
	t, err := template.New("man page").Funcs(template.FuncMap{"roff": roff, "sentence": sentence}).Parse(manPageText)
	if err != nil {
		return err
	}
	return t.Execute(w, newDocument(groups, all))
}

// roff escapes text. Dashes become ASCII dashes, so that flags can be copied, and
// text between backquotes becomes italic.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, `-`, `\-`, `^`, `\(ha`, `~`, `\(ti`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") { // would be a macro
		text = `\&` + text
	}
	text = strings.Replace(text, "`", `\fI`, 1)
	return strings.Replace(text, "`", `\fR`, 1)
}

// sentence makes a sentence of the usage and default of a flag.
func sentence(o option) string {
	s := strings.ToUpper(o.Says[:1]) + o.Says[1:] + "."
	if o.Default != "" {
		s += " Default: " + o.Default + "."
	}
	return s
}
