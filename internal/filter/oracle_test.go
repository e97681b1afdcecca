package filter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// An oracle compiles expressions with tcpdump, as for saved files.
type oracle struct {
	tcpdump string
	dir     string // of empty captures, one for each link type
}

// newOracle is nil where tcpdump is not installed.
func newOracle(t *testing.T) *oracle {
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		return nil
	}
	return &oracle{path, t.TempDir()}
}

// compile returns what tcpdump prints with a flag (-d, -ddd), or why it
// refused.
func (o *oracle) compile(t *testing.T, flag, expr string, link uint32) (listing, refusal string) {
	file := filepath.Join(o.dir, fmt.Sprint(link, ".pcap"))
	if _, err := os.Stat(file); err != nil {
		head := []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, defaultSnaplen, link}
		data, err := binary.Append(nil, binary.LittleEndian, head)
		if err == nil {
			err = os.WriteFile(file, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(o.tcpdump, "-r", file, flag, "--", expr)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if cmd.Run() == nil {
		return stdout.String(), ""
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	return "", strings.TrimPrefix(lines[len(lines)-1], "tcpdump: ")
}
