package cli

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

var update = flag.Bool("update", false, "write what was printed into the scripts instead of comparing with them")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"tcptrace": func() {
			os.Exit(Run(Env{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Detectors: catalogue.All, Confine: true}))
		},
	})
}

// TestScript runs testdata/script: one file for each behaviour that a user sees.
// Scripts find the traces of testdata/traces as text and as pcapng.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               layTraces,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "shorten": shorten},
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func layTraces(env *testscript.Env) error {
	names, err := filepath.Glob("testdata/traces/*.txtar")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		packets, err := scenario.Pcapng(text)
		if err != nil {
			return err
		}
		base := filepath.Join(env.WorkDir, filepath.Base(name))
		if err := errors.Join(
			os.WriteFile(base, text, 0o644),
			os.WriteFile(strings.TrimSuffix(base, ".txtar")+".pcapng", packets, 0o644),
		); err != nil {
			return err
		}
	}
	return nil
}

// exits runs a command that must exit with this status: exits 2 tcptrace ...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s exits with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// shorten cuts bytes off the end of a file: shorten FILE BYTES.
func shorten(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: shorten FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	name := ts.MkAbs(args[0])
	st, err := os.Stat(name)
	ts.Check(err)
	ts.Check(os.Truncate(name, st.Size()-n))
}
