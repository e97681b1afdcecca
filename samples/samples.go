// Package samples holds the traces that tell what each detector is about, as
// text. The captures beside them are made from it.
package samples

import "embed"

// FS holds the sources: SLUG.txtar wants the detector SLUG, SLUG.not-WHY.txtar
// must leave it silent, and others tell a story.
//
//go:embed *.txtar
var FS embed.FS

// Text is the sample of a detector, or "" if it has none.
func Text(slug string) string {
	b, err := FS.ReadFile(slug + ".txtar")
	if err != nil {
		return ""
	}
	return string(b)
}
