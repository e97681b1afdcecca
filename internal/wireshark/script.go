package wireshark

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report"
)

// script writes the Lua script: the data, then the dissector. All data are quoted
// strings, since a script that is one large table has too many constants for Lua 5.1.
func (v *Verdicts) script(out io.Writer) error {
	w := bufio.NewWriter(out)
	fmt.Fprintf(w, "-- Findings and states of a capture, written by tcptrace %s.\n", report.Clean(v.Version))
	io.WriteString(w, "-- wireshark -X lua_script:tcptrace.lua CAPTURE\n")
	if v.LeftOut > 0 {
		fmt.Fprintf(w, "-- %d segments are shown without states: there are too many.\n", v.LeftOut)
	}
	io.WriteString(w, "\nlocal state_names = {")
	for s := fsm.Closed; s <= fsm.TimeWait; s++ {
		fmt.Fprintf(w, " %c = %s,", letter(s, false), quote(s.String()))
	}
	io.WriteString(w, " }\n\n-- detector, outcome, verdict, severity, connection, message\nlocal findings = ")
	v.findings(w)
	io.WriteString(w, "\nlocal captures = {\n")
	for i := range v.files {
		f := &v.files[i]
		fmt.Fprintf(w, "  { name = %s, frames = %d, ", quote(report.Clean(f.name)), f.total)
		if f.SHA256 != "" {
			fmt.Fprintf(w, "sha256 = %s, digest = %d, ", quote(f.SHA256), f.digest)
		}
		io.WriteString(w, "lines = ")
		f.lines(w)
		io.WriteString(w, " },\n")
	}
	io.WriteString(w, "}\n")
	io.WriteString(w, dissector)
	return w.Flush()
}

// findings writes a line for each finding. Clean has spelled out every control
// character in the fields, so that tabs and newlines separate them.
func (v *Verdicts) findings(w *bufio.Writer) {
	w.WriteByte('"')
	for i := range v.report.Findings {
		f := &v.report.Findings[i]
		message := f.Message
		if f.Reason != "" {
			message += " Undecided: " + f.Reason
		}
		for _, s := range []string{f.Detector, f.Outcome, f.Verdict.String(), f.Severity.String(), fmt.Sprint(f.Flow.ID)} {
			w.WriteString(escape(report.Clean(s)) + "\t")
		}
		w.WriteString(escape(report.Clean(message)) + "\\\n")
	}
	w.WriteByte('"')
}

// lines writes a line for each frame: number, hash, two letters for the states, and
// tab, finding and role for each finding, which are counted from 1.
func (f *file) lines(w *bufio.Writer) {
	w.WriteByte('"')
	for i := range f.frames {
		s := &f.frames[i]
		fmt.Fprintf(w, "%d %08x %s", s.number, s.hash, s.states[:])
		for _, p := range s.proofs {
			fmt.Fprintf(w, "\t%d %s", p.finding+1, escape(report.Clean(p.role)))
		}
		w.WriteString("\\\n")
	}
	w.WriteByte('"')
}

// quote is a string of Lua that means the text, whatever is in it.
func quote(s string) string { return `"` + escape(s) + `"` }

// escape is the text inside a quoted string of Lua. All but printable ASCII becomes
// \ddd, which every version of Lua reads as one byte.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
