package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
)

// terminal is a pseudo terminal: what is written to one end comes out of the other.
func terminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { user.Close() })
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

// A pipe that takes long shows how much of it has been read, as long as it is open: where
// the report goes elsewhere than to the same terminal.
func TestProgress_pipe(t *testing.T) {
	t.Run("report redirected", func(t *testing.T) {
		user, program := terminal(t)
		showsProgress(t, user, program, new(bytes.Buffer))
	})
	t.Run("report in a file", func(t *testing.T) {
		user, program := terminal(t)
		showsProgress(t, user, program, program, "-o", filepath.Join(t.TempDir(), "report.json"))
	})
}

// showsProgress runs the command with a pipe that stays open until there is progress.
func showsProgress(t *testing.T, user, program *os.File, stdout io.Writer, args ...string) {
	t.Helper()
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	status := make(chan int, 1)
	go func() {
		status <- Run(Env{Args: append(args, "--color", "never", "-"), Stdin: in, Stdout: stdout, Stderr: program, Detectors: catalogue.All})
	}()
	if _, err := feed.Write(aSample(t)); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(time.Minute, func() { // end the test
		t.Error("nothing was shown")
		program.WriteString("kB")
	})
	var said []byte
	for b := make([]byte, 1000); !strings.Contains(string(said), "kB"); {
		n, err := user.Read(b)
		if err != nil {
			t.Fatalf("%v, after %q", err, said)
		}
		said = append(said, b[:n]...)
	}
	late.Stop()
	feed.Close()
	<-status
}
