package house

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// maxLines is how long a source file may be: one that is longer answers more than one question.
const maxLines = 300

func TestFilesStayShort(t *testing.T) {
	list, err := exec.Command("git", "ls-files", "-z", "--", "../../*.go").Output()
	if err != nil {
		t.Skip("not a checkout of the repository:", err)
	}
	checked := 0
	for name := range strings.SplitSeq(strings.TrimRight(string(list), "\x00"), "\x00") {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) { // deleted, not committed yet
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		checked++
		if n := bytes.Count(text, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines; more than %d answer more than one question", name, n, maxLines)
		}
	}
	if checked < 100 {
		t.Errorf("only %d files were found", checked)
	}
}
