package tcptrace_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
)

var update = flag.Bool("update", false, "update the output of commands and the table of detectors in README.md")

// console is a block of the README with one command and what it prints.
var console = regexp.MustCompile("(?s)```console\n\\$ ([^\n]*)\n(.*?)```\n")

// TestREADME_examples runs the commands of the README and compares their output.
func TestREADME_examples(t *testing.T) {
	readme := readREADME(t)
	ran := 0
	got := console.ReplaceAllStringFunc(readme, func(block string) string {
		parts := console.FindStringSubmatch(block)
		command := parts[1]
		if !strings.HasPrefix(command, "go run ./") { // the others install the command, or run this test
			return block
		}
		ran++
		return "```console\n$ " + command + "\n" + output(t, command) + "```\n"
	})
	if ran == 0 {
		t.Error("README.md has no example that can be run.")
	}
	if !strings.Contains(readme, "$ go test ./...\n") {
		t.Error("README.md does not say which command runs the tests.")
	}
	keep(t, readme, got)
}

// TestREADME_anonymize: the README says what --anonymize keeps, as the evidence does.
func TestREADME_anonymize(t *testing.T) {
	readme := strings.Join(strings.Fields(readREADME(t)), " ")
	if want := "Ports, lengths, flags, windows and TTLs stay, and the times of frames unless `--anonymize-times` is given."; !strings.Contains(readme, want) {
		t.Errorf("README.md does not say %q", want)
	}
}

// output returns what a command prints on standard output. Exit status 1 means
// findings.
func output(t *testing.T, command string) string {
	t.Helper()
	words := strings.Fields(command)
	out, err := exec.Command(words[0], words[1:]...).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}

// table matches the table of detectors in the README, and the comment before it.
var table = regexp.MustCompile(`(<!-- the detectors;[^\n]*-->\n\n)(?:\|[^\n]*\n)*\n?`)

// TestREADME_detectors compares the table in the README with the detectors.
func TestREADME_detectors(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("| Detector | What went wrong | Outcomes | Reference |\n|---|---|---|---|\n")
	for _, d := range catalogue.All {
		var outcomes []string
		for _, o := range d.Outcomes {
			outcomes = append(outcomes, o.Name)
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", d.Name, d.Doc.Title, strings.Join(outcomes, ", "), d.Doc.Refs[0])
	}
	readme := readREADME(t)
	if !table.MatchString(readme) {
		t.Fatal("README.md has no table of detectors.")
	}
	keep(t, readme, table.ReplaceAllLiteralString(readme, table.FindStringSubmatch(readme)[1]+rows.String()+"\n"))
}

func readREADME(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// keep compares the README with what it should be, or updates it.
func keep(t *testing.T, readme, want string) {
	t.Helper()
	switch {
	case readme == want:
	case *update:
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		old, now := strings.Split(readme, "\n"), strings.Split(want, "\n")
		for i := range min(len(old), len(now)) {
			if old[i] != now[i] {
				t.Fatalf("README.md:%d is\n  %s\nwant\n  %s\n(go test . -update, and review the difference)", i+1, old[i], now[i])
			}
		}
		t.Fatalf("README.md ends too early or too late (go test . -update)")
	}
}
