// Package wireshark writes what shows a report in Wireshark, beside the packets: a
// post-dissector in Lua with the findings and with both states at each frame, and a
// configuration profile with columns and colouring rules.
//
// A script inside Wireshark does not learn which file is open, only its frames. So
// the dissector recognises the capture by them: see [hash].
package wireshark

import (
	"embed"
	"io"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/output"
)

// The files that are written, relative to the directory.
const (
	Script  = "tcptrace.lua"
	Profile = "profiles/tcptrace"
)

// profileFiles are the files of the profile, by the names that Wireshark gives them.
var profileFiles = []string{"preferences", "colorfilters"}

//go:embed profile
var profile embed.FS

//go:embed dissector.lua
var dissector string

// Files are all files that Write writes into the directory.
func Files(dir string) []string {
	files := []string{filepath.Join(dir, Script)}
	for _, name := range profileFiles {
		files = append(files, filepath.Join(dir, filepath.FromSlash(Profile), name))
	}
	return files
}

// MakeDir makes the directories.
func MakeDir(dir string) error {
	return os.MkdirAll(filepath.Join(dir, filepath.FromSlash(Profile)), 0o777)
}

// Write writes the files into the directory, which MakeDir has made, each completely
// or not at all; the script, without which the profile shows nothing, comes last.
func (v *Verdicts) Write(dir string, g *output.Guard) error {
	for _, name := range profileFiles {
		content, err := profile.ReadFile("profile/" + name)
		if err != nil {
			return err
		}
		if err := g.Replace(filepath.Join(dir, filepath.FromSlash(Profile), name), func(w io.Writer) error {
			_, err := w.Write(content)
			return err
		}); err != nil {
			return err
		}
	}
	return g.Replace(filepath.Join(dir, Script), v.script)
}
