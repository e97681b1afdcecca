package cli

import (
	"errors"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// A sieve holds the program of --filter for each link type that comes by, or
// that of --filter-bpf for all.
type sieve struct {
	expr     string
	fixed    *filter.Program // of --filter-bpf
	programs map[capture.LinkType]*filter.Program
	refused  []error // link types that the expression does not suit
}

// newSieve compiles what the flags say, and is nil if they say nothing.
// Expressions are tried on Ethernet, so that a mistake shows before any work.
func newSieve(f *flags) (*sieve, error) {
	switch {
	case f.filterBP != "":
		file, err := os.Open(f.filterBP)
		if err != nil {
			return nil, fmt.Errorf("--filter-bpf: %w", err)
		}
		defer file.Close()
		p, err := filter.ReadBPF(file)
		if err != nil {
			return nil, fmt.Errorf("--filter-bpf %s: %w", f.filterBP, err)
		}
		return &sieve{fixed: p}, nil
	case f.filter != "":
		s := &sieve{expr: f.filter, programs: map[capture.LinkType]*filter.Program{}}
		_, err := s.program(capture.LinkEthernet)
		return s, err
	}
	return nil, nil
}

// match reports whether a frame passes.
func (s *sieve) match(fr *capture.Frame) bool {
	p, known := s.programs[fr.Link]
	if !known {
		var err error
		if p, err = s.program(fr.Link); err != nil {
			s.refused = append(s.refused, fmt.Errorf("frames of link type %v are left out: %w", fr.Link, err))
		}
	}
	return p != nil && p.Match(fr.Data, fr.Len)
}

// program is that of the link type.
func (s *sieve) program(link capture.LinkType) (*filter.Program, error) {
	if s.fixed != nil {
		return s.fixed, nil
	}
	p, err := filter.Compile(s.expr, uint32(link), 0)
	s.programs[link] = p
	return p, pointAt(s.expr, err)
}

// pointAt names the words of the expression that a mistake is at.
func pointAt(expr string, err error) error {
	var mistake *filter.SyntaxError
	if !errors.As(err, &mistake) {
		return err
	}
	rest := expr[mistake.Pos:]
	if rest == "" {
		return fmt.Errorf("--filter: %w, at its end", err)
	}
	return fmt.Errorf("--filter: %w, at %q; what only tcpdump understands goes in with --filter-bpf", err, rest)
}

// tellRefused complains of frames that the expression does not suit.
func (c *command) tellRefused(s *sieve) {
	if s == nil {
		return
	}
	for _, err := range s.refused {
		c.complain(err)
	}
}
