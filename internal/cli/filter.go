package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// A frameFilter holds the program of --filter for each link type that occurs, or
// the one program of --filter-bpf. A nil one passes everything.
type frameFilter struct {
	expr     string
	hide     bool            // messages do not quote the expression: --anonymize
	fixed    *filter.Program // of --filter-bpf
	programs map[capture.LinkType]*filter.Program
	refused  []error // errors of link types that the expression cannot be compiled for
}

// newFrameFilter reads --filter and --filter-bpf. Expressions are compiled for
// Ethernet first, so that a syntax error is reported before any work.
func newFrameFilter(f *flags) (*frameFilter, error) {
	switch {
	case f.filterBPF != "":
		file, err := os.Open(f.filterBPF)
		if err != nil {
			return nil, fmt.Errorf("--filter-bpf: %w", err)
		}
		defer file.Close()
		p, err := filter.ReadBPF(file)
		if err != nil {
			return nil, fmt.Errorf("--filter-bpf %s: %w", f.filterBPF, err)
		}
		return &frameFilter{fixed: p}, nil
	case f.filter != "":
		ff := &frameFilter{expr: f.filter, hide: f.anonymize, programs: map[capture.LinkType]*filter.Program{}}
		_, err := ff.program(capture.LinkEthernet)
		return ff, err
	}
	return nil, nil
}

// match reports whether a frame passes.
func (ff *frameFilter) match(fr *capture.Frame) bool {
	p, known := ff.programs[fr.Link]
	if !known {
		var err error
		if p, err = ff.program(fr.Link); err != nil {
			ff.refused = append(ff.refused, fmt.Errorf("frames of link type %v are ignored: %w", fr.Link, err))
		}
	}
	return p != nil && p.Match(fr.Data, fr.Len)
}

// program returns the program for a link type.
func (ff *frameFilter) program(link capture.LinkType) (*filter.Program, error) {
	if ff.fixed != nil {
		return ff.fixed, nil
	}
	p, err := filter.Compile(ff.expr, uint32(link), 0)
	ff.programs[link] = p
	return p, ff.pointAt(err)
}

// pointAt adds the position of a syntax error: the rest of the expression.
func (ff *frameFilter) pointAt(err error) error {
	var mistake *filter.SyntaxError
	if !errors.As(err, &mistake) {
		return err
	}
	rest := ff.expr[mistake.Pos:]
	if ff.hide {
		return fmt.Errorf("--filter: the expression is wrong at column %d; without --anonymize, the message says why", mistake.Pos+1)
	}
	if rest == "" {
		return fmt.Errorf("--filter: %w at the end of the expression", err)
	}
	return fmt.Errorf("--filter: %w at %q; for expressions that only tcpdump understands, use --filter-bpf", err, rest)
}
