package cli

import (
	"path/filepath"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// nameBriefly names the inputs of a report by the shortest ending of their paths that tells
// them apart.
func nameBriefly(captures []result.Capture) {
	names := make([]string, len(captures))
	for i := range captures {
		names[i] = captures[i].File
	}
	for i, name := range shortest(names) {
		captures[i].File = name
	}
}

func shortest(paths []string) []string {
	short := make([]string, len(paths))
	for i, path := range paths {
		parts := strings.Split(filepath.ToSlash(path), "/")
		for n := 1; n <= len(parts); n++ {
			short[i] = strings.Join(parts[len(parts)-n:], "/")
			if short[i] != "" && !ambiguous(short[i], path, paths) {
				break
			}
		}
		if short[i] == "" {
			short[i] = path
		}
	}
	return short
}

// ambiguous reports whether another path than the given one has this ending.
func ambiguous(ending, path string, paths []string) bool {
	for _, other := range paths {
		if other = filepath.ToSlash(other); other != filepath.ToSlash(path) && (other == ending || strings.HasSuffix(other, "/"+ending)) {
			return true
		}
	}
	return false
}
