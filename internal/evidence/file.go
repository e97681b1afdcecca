package evidence

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tcptrace-go/tcptrace/internal/output"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// file makes the file of what was collected.
func (b *bundle) file(dir string) (File, error) {
	if err := b.complete(); err != nil {
		return File{}, err
	}
	path := filepath.Join(dir, FileName(b.finding))
	f := File{Path: path, Finding: b.finding, Frames: b.frames}
	for _, c := range b.cuts {
		f.Cut += c.n
	}
	tmp, err := b.assemble(path, "")
	if err == nil && b.o.Analyse != nil {
		if f.Doubt, err = b.doubt(tmp); f.Doubt != "" {
			output.Discard(tmp)
			tmp, err = b.assemble(path, f.Doubt)
		}
	}
	if err == nil {
		err = b.o.Guard.Rename(tmp, path)
	}
	if err != nil {
		output.Discard(tmp)
		return File{}, err
	}
	return f, nil
}

// complete ends what was collected: the connection's last frames, and what the
// capture states.
func (b *bundle) complete() error {
	b.release()
	if len(b.proof) > 0 && !b.o.Remembered {
		missing := slices.MinFunc(slices.Collect(maps.Keys(b.proof)), func(a, b result.FrameID) int { return cmp.Compare(a.Frame, b.Frame) })
		return fmt.Errorf("evidence of %s %s: %s has changed since it was analysed: frame %d is missing",
			b.finding.Detector, b.finding.ID, b.name(missing.File), b.number(missing))
	}
	var dropped uint64
	for i := range b.report.Captures {
		dropped += b.report.Captures[i].Drops
	}
	b.writer.Lost(0, dropped)
	return b.writer.End(b.end)
}

// assemble writes the file beside its final path, and returns its name there.
func (b *bundle) assemble(path, doubt string) (name string, err error) {
	tmp, err := output.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(tmp)
	err = pcapng.NewWriter(w).Begin(pcapng.Section{Comment: b.comment(doubt), Application: "tcptrace " + b.o.Version})
	if err == nil {
		err = b.buffer.copyTo(w)
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	return tmp.Name(), errors.Join(err, tmp.Close())
}

// FileName is the name of a finding's file:
// unretransmitted-fin-034eebf1b682f60a.pcapng.
func FileName(f *result.Finding) string {
	safe := func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}
	return strings.Map(safe, f.Detector+"-"+f.ID) + ".pcapng"
}

var fileName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[-_0-9a-z]+-[0-9a-f]{16}\.pcapng$`) })

// IsFileName reports whether FileName may return the name.
func IsFileName(name string) bool { return fileName().MatchString(strings.ToLower(name)) }

// doubt analyses a file by itself and says how the finding in it differs from
// the one that it is to prove; nothing if it is the same.
func (b *bundle) doubt(name string) (string, error) {
	again, err := b.o.Analyse(name)
	if err != nil {
		return "", err
	}
	f := b.finding
	i := slices.IndexFunc(again.Findings, func(g result.Finding) bool { return g.ID == f.ID })
	if i < 0 {
		return "the finding is missing", nil
	}
	g := &again.Findings[i]
	var differences []string
	differ := func(what string, was, is any) {
		if was != is {
			differences = append(differences, fmt.Sprintf("%s is %v instead of %v", what, is, was))
		}
	}
	differ("the verdict", f.Verdict, g.Verdict)
	differ("the outcome", f.Outcome, g.Outcome)
	for j, m := range f.Metrics {
		if j < len(g.Metrics) && g.Metrics[j].Name == m.Name {
			differ(m.Name, m.Value, g.Metrics[j].Value)
		} else {
			differ(m.Name, m.Value, "unknown")
		}
	}
	return strings.Join(differences, ", "), nil
}
