package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/taps"
)

const completionDir = docs + "completion/"

// generated are the documents that the command prints about itself, by flag.
var generated = map[string]string{
	docs + "tcptrace.1":             "--man",
	completionDir + "tcptrace.bash": "--completion=bash",
	completionDir + "_tcptrace":     "--completion=zsh",
	completionDir + "tcptrace.fish": "--completion=fish",
}

// TestGenerated keeps docs in step with the flags.
func TestGenerated(t *testing.T) {
	for name, flag := range generated {
		want := printed(t, flag)
		if *update {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, want) {
			t.Errorf("%s is stale: run go test ./internal/cli -run Generated -update", name)
		}
	}
}

// TestGenerated_allFlags: each has every flag by its long name.
func TestGenerated_allFlags(t *testing.T) {
	for _, arg := range generated {
		text := strings.ReplaceAll(string(printed(t, arg)), `\-`, "-")
		for _, o := range newDocument(define(new(flags)), nil).Options() {
			if !strings.Contains(text, "-"+o.Long) && !strings.Contains(text, "-l "+o.Long) {
				t.Errorf("tcptrace %s does not mention --%s", arg, o.Long)
			}
		}
	}
}

// run runs a program that may be missing, and returns its output and errors.
func run(t *testing.T, input string, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("there is no %s here", name)
	}
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// TestManPage_renders: groff gives no warning, and flags can be copied from the
// page.
func TestManPage_renders(t *testing.T) {
	source := string(printed(t, "--man"))
	if warnings := run(t, source, "groff", "-man", "-ww", "-z", "-Tutf8"); warnings != "" {
		t.Errorf("groff warns: %s", warnings)
	}
	text := run(t, source, "groff", "-man", "-Tutf8", "-P-c", "-P-b", "-P-o", "-P-u")
	for _, want := range []string{"-d, --detect=LIST", "--fail-on=LEVEL", "unretransmitted-fin", "^C stops at any time"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q:\n%s", want, text)
		}
	}
}

func TestRoff(t *testing.T) {
	for text, want := range map[string]string{
		".so /etc/passwd": `\&.so /etc/passwd`,
		"'tis":            `\&'tis`,
		`a\b`:             `a\eb`,
		"with --at `T`":   `with \-\-at \fIT\fR`,
	} {
		if got := roff(text); got != want {
			t.Errorf("roff(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestCompletion_parses: each shell accepts its script.
func TestCompletion_parses(t *testing.T) {
	for _, shell := range shells {
		t.Run(shell, func(t *testing.T) {
			if out := run(t, string(printed(t, "--completion", shell)), shell, "-n"); out != "" {
				t.Error(out)
			}
		})
	}
}

// TestCompletion_bash asks the script for proposals as bash does, with words split
// at = too.
func TestCompletion_bash(t *testing.T) {
	script, err := filepath.Abs(completionDir + "tcptrace.bash")
	if err != nil {
		t.Fatal(err)
	}
	var slugs, without, params []string
	for _, d := range slices.Concat(catalogue.All, taps.Detectors) {
		slugs = append(slugs, d.Name)
		without = append(without, "-"+d.Name)
		for _, p := range d.Params {
			params = append(params, d.Name+"."+p.Name+"=")
		}
	}
	for _, tt := range []struct {
		line []string // the last word is completed
		want []string // nothing: file names
	}{
		{[]string{"--format", ""}, formatNames()},
		{[]string{"--format", "=", "nd"}, []string{"ndjson"}},
		{[]string{"--format", "="}, formatNames()},
		{[]string{"--names", "k"}, []string{"kb"}},
		{[]string{"--color", "a"}, []string{"auto", "always"}},
		{[]string{"--fail-on", ""}, failLevels},
		{[]string{"--completion", ""}, shells},
		{[]string{"--explain", ""}, slugs},
		{[]string{"-d", ""}, slugs},
		{[]string{"--detect", "-"}, without},
		{[]string{"-d", "post-fin-ack-rst,unr"}, []string{"post-fin-ack-rst,unretransmitted-fin"}},
		{[]string{"-d", "-post-fin-ack-rst,-unr"}, []string{"-post-fin-ack-rst,-unretransmitted-fin"}},
		{[]string{"--set", ""}, params},
		{[]string{"--fl"}, []string{"--flows", "--flow"}},
		{[]string{"x.pcap", "--und"}, []string{"--undecided"}},
		{[]string{"-o", ""}, nil},
		{[]string{"--workers", ""}, nil},
		{[]string{""}, nil},
		{[]string{"x.pcap", ""}, nil},
		{[]string{"--", "-"}, nil},
		{[]string{"--", "--fl"}, nil},
	} {
		const ask = `source "$0"; COMP_WORDS=(tcptrace "$@"); COMP_CWORD=$#; _tcptrace 2>&1; printf '%s\n' "${COMPREPLY[@]}"`
		out := run(t, "", "bash", append([]string{"--norc", "-c", ask, script}, tt.line...)...)
		if got := strings.Fields(out); !slices.Equal(got, tt.want) {
			t.Errorf("tcptrace %q: proposes %q, want %q", tt.line, got, tt.want)
		}
	}
}

// TestCompletion_fish asks fish itself for proposals.
func TestCompletion_fish(t *testing.T) {
	const ask = `source ` + completionDir + `tcptrace.fish; complete -C $argv[1]`
	for line, want := range map[string]string{
		"tcptrace --format=nd":                     "--format=ndjson",
		"tcptrace --names k":                       "kb",
		"tcptrace -d post-fin-ack-rst,unr":         "post-fin-ack-rst,unretransmitted-fin",
		"tcptrace --detect=-post-fin-ack-rst,-unr": "--detect=-post-fin-ack-rst,-unretransmitted-fin",
		"tcptrace --undec":                         "--undecided",
	} {
		out := run(t, "", "fish", "--no-config", "-c", ask, line)
		if got, _, _ := strings.Cut(strings.TrimSpace(out), "\t"); got != want {
			t.Errorf("%s: proposes %q, want %s", line, out, want)
		}
	}
}
