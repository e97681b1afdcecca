package evidence

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// file makes the file of what was gathered.
func (d *dossier) file(dir string) (File, error) {
	if err := d.complete(); err != nil {
		return File{}, err
	}
	path := filepath.Join(dir, FileName(d.finding))
	f := File{Path: path, Finding: d.finding, Frames: d.frames}
	for _, c := range d.cuts {
		f.Cut += c.n
	}
	tmp, err := d.assemble(path, "")
	if err == nil && d.o.Analyse != nil {
		if f.Doubt, err = d.doubt(tmp); f.Doubt != "" {
			os.Remove(tmp)
			tmp, err = d.assemble(path, f.Doubt)
		}
	}
	if err == nil {
		err = d.o.Guard.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return File{}, err
	}
	return f, nil
}

// complete ends what was gathered: the connection's last frames, and what the
// capture states.
func (d *dossier) complete() error {
	d.release()
	if len(d.telling) > 0 && !d.o.Remembered {
		missing := slices.SortedFunc(maps.Keys(d.telling), func(a, b frameID) int { return int(a.frame) - int(b.frame) })[0]
		return fmt.Errorf("evidence of %s %s: %s has changed since it was analysed: frame %d is not there",
			d.finding.Detector, d.finding.ID, d.name(missing.file), missing.frame)
	}
	var lost uint64
	for i := range d.report.Captures {
		lost += d.report.Captures[i].Drops
	}
	d.writer.Lost(0, lost)
	return d.writer.End(d.end)
}

// assemble writes the file beside its place, and returns its name there.
func (d *dossier) assemble(path, doubt string) (name string, err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	w := bufio.NewWriter(tmp)
	err = pcapng.NewWriter(w).Begin(pcapng.Section{Comment: d.comment(doubt), Application: "tcptrace " + d.o.Version})
	if err == nil {
		err = d.body.copyTo(w)
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	return tmp.Name(), err
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

var fileName = regexp.MustCompile(`^[-_0-9a-z]+-[0-9a-f]{16}\.pcapng$`)

// IsFileName reports whether FileName may return the name.
func IsFileName(name string) bool { return fileName.MatchString(strings.ToLower(name)) }

// doubt reads a file by itself and says how the finding that it brings differs
// from the one that it is to prove.
func (d *dossier) doubt(name string) (string, error) {
	again, err := d.o.Analyse(name)
	if err != nil {
		return "", err
	}
	f := d.finding
	i := slices.IndexFunc(again.Findings, func(g result.Finding) bool { return g.ID == f.ID })
	if i < 0 {
		return "it does not bring the finding", nil
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
