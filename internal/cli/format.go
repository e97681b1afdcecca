package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// writer writes a report in one format.
type writer func(io.Writer, *result.Report, report.Options) error

// format is one output format and the file extensions that mean it.
type format struct {
	name       string
	extensions []string
	write      writer
}

var formats = []format{
	{"text", []string{".txt"}, report.Text},
	{"json", []string{".json"}, report.JSON},
	{"ndjson", []string{".ndjson", ".jsonl"}, report.NDJSON},
	{"markdown", []string{".md", ".markdown"}, report.Markdown},
	{"html", []string{".html", ".htm"}, report.HTML},
	{"csv", []string{".csv"}, report.CSV},
	{"scenario", []string{".txtar"}, nil},
}

// chooseFormat finds the format by name, or by the extension of the output.
func chooseFormat(name, output string) (*format, error) {
	if name == "" && output != "" {
		ext := strings.ToLower(filepath.Ext(output))
		for i := range formats {
			for _, e := range formats[i].extensions {
				if e == ext {
					return &formats[i], nil
				}
			}
		}
		return nil, fmt.Errorf("-o %s: no format for the extension %q; use --format", output, ext)
	}
	if name == "" {
		name = "text"
	}
	return &formats[slices.Index(formatNames(), name)], nil // parse has checked the name
}

// formatNames lists the values of --format.
func formatNames() []string {
	var names []string
	for i := range formats {
		names = append(names, formats[i].name)
	}
	return names
}
