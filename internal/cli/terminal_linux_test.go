package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
)

// What is printed on a terminal fits it; what goes to a pipe is as wide as it is.
func TestRun_fitsTheTerminal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(file, aSample(t), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--flows"}, {"--time"}, {"--flow", "1"}, {"--states", "--all"}, {"--list"}, {}} {
		for _, columns := range []int{80, 100} {
			user, program := terminal(t)
			if err := unix.IoctlSetWinsize(int(program.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(columns)}); err != nil {
				t.Skip(err)
			}
			all := append([]string{"--color", "never"}, args...)
			if len(args) == 0 || args[0] != "--list" {
				all = append(all, file)
			}
			said := make(chan string)
			go func() {
				b, _ := io.ReadAll(user) // ends with an error when the other end is closed
				said <- string(b)
			}()
			status := Run(Env{Args: all, Stdin: os.Stdin, Stdout: program, Stderr: io.Discard, Detectors: catalogue.All})
			program.Close()
			text := <-said
			if status > 1 || text == "" {
				t.Errorf("%v: status %d, %q", all, status, text)
			}
			for l := range strings.SplitSeq(strings.ReplaceAll(text, "\r", ""), "\n") {
				if n := utf8.RuneCountInString(l); n > columns {
					t.Errorf("%v: %d columns of %d: %s", args, n, columns, l)
				}
			}
		}
	}
}
