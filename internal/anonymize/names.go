package anonymize

import (
	"cmp"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

// Names replaces the names of files, which often identify the customer.
type Names struct {
	given []name // in order
	known []name // the longest first
}

type name struct{ original, replacement string }

// NewNames gives each of the files a name by its number: capture-1.pcap.gz.
// Standard input stays -.
func NewNames(files []string) *Names {
	n := new(Names)
	for i, file := range files {
		if file == "-" || file == "" {
			continue
		}
		n.Add(file, fmt.Sprintf("capture-%d%s", i+1, extension(file)))
	}
	return n
}

// Add gives a file, or something else with a name, a replacement. That of an earlier one stays.
func (n *Names) Add(file, replacement string) {
	if file == "" || file == "." || file == "/" {
		return
	}
	n.given = append(n.given, name{file, replacement})
	n.known = append(n.known, name{file, replacement})
	if base := filepath.Base(file); base != file {
		n.known = append(n.known, name{base, replacement})
	}
	sorting.Stable(n.known, func(a, b name) int { return cmp.Compare(len(b.original), len(a.original)) })
}

// All are the names as they were given, each with its replacement.
func (n *Names) All() iter.Seq2[string, string] {
	return func(yield func(original, replacement string) bool) {
		for _, k := range n.given {
			if !yield(k.original, k.replacement) {
				return
			}
		}
	}
}

// extensions are those that say only what kind of file it is.
var extensions = []string{".pcap", ".pcapng", ".cap", ".dmp", ".txtar", ".gz", ".zst", ".lz4", ".xz"}

// extension is the end of a file's name that says its kind, in lower case.
func extension(file string) string {
	kind := ""
	for range 2 { // the second is that of a compression
		ext := filepath.Ext(strings.TrimSuffix(file, kind))
		if !slices.Contains(extensions, strings.ToLower(ext)) {
			break
		}
		kind = ext + kind
	}
	return strings.ToLower(kind)
}

// Of is the replacement of the file's name.
func (n *Names) Of(file string) string {
	for _, k := range n.known {
		if k.original == file {
			return k.replacement
		}
	}
	return file
}

// In is a message with the names in it replaced.
func (n *Names) In(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if k, ok := n.at(text, i); ok {
			b.WriteString(k.replacement)
			i += len(k.original)
			continue
		}
		b.WriteByte(text[i])
		i++
	}
	return b.String()
}

// at finds the name that is a word at text[i:].
func (n *Names) at(text string, i int) (name, bool) {
	if i > 0 && inName(text[i-1]) {
		return name{}, false
	}
	for _, k := range n.known {
		rest, ok := strings.CutPrefix(text[i:], k.original)
		if ok && (rest == "" || !inName(rest[0]) || rest[0] == '.' && (len(rest) == 1 || !inName(rest[1]))) {
			return k, true
		}
	}
	return name{}, false
}

// inName reports whether c may be part of a name. Bytes beyond ASCII are parts
// of letters.
func inName(c byte) bool {
	return c >= 0x80 || c == '.' || c == '_' || c == '-' ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Captures replaces the names in a report's captures and their warnings.
func (n *Names) Captures(captures []result.Capture) {
	for i := range captures {
		c := &captures[i]
		c.File = n.Of(c.File)
		for j := range c.Warnings {
			c.Warnings[j] = n.In(c.Warnings[j])
		}
	}
}
