package samples_test

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/samples"
)

var update = flag.Bool("update", false, "make the captures anew from the texts")

// Each text has a capture beside it that is made of it, byte for byte, and no
// capture is without a text.
func TestCaptures(t *testing.T) {
	names, err := fs.Glob(samples.FS, "*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, name := range names {
		text, err := samples.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		made, err := scenario.Pcapng(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		file := strings.TrimSuffix(name, ".txtar") + ".pcapng"
		want[file] = true
		if *update {
			if err := os.WriteFile(file, made, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(file); err != nil || !bytes.Equal(have, made) {
			t.Errorf("%s is not what %s makes; run go test ./samples -update", file, name)
		}
	}
	files, _ := fs.Glob(os.DirFS("."), "*.pcap*")
	for _, file := range files {
		if !want[file] {
			t.Errorf("%s has no text that it is made of", file)
		}
	}
}

// Every sample states its end, so that what did not come up to there is known
// not to have come, and has a story. The README has a line for each: an update adds
// the first sentence of the story.
func TestStories(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var missing strings.Builder
	names, _ := fs.Glob(samples.FS, "*.txtar")
	for _, name := range names {
		text, _ := samples.FS.ReadFile(name)
		f, err := scenario.Parse(name, text)
		if err != nil {
			t.Error(err)
			continue
		}
		slug := strings.TrimSuffix(name, ".txtar")
		if f.Intro == "" {
			t.Errorf("%s tells no story before its trace", name)
		}
		if f.Traces[0].End == 0 {
			t.Errorf("%s does not state the end of its trace", name)
		}
		if !strings.Contains(string(readme), "*"+slug+"*") {
			sentence, _, _ := strings.Cut(strings.ReplaceAll(f.Intro, "\n", " "), ". ")
			fmt.Fprintf(&missing, "- *%s*: %s.\n", slug, strings.TrimSuffix(sentence, "."))
		}
	}
	switch {
	case missing.Len() == 0:
	case *update:
		readme = append(readme, missing.String()...)
		if err := os.WriteFile("README.md", readme, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md lacks these lines; run go test ./samples -update:\n%s", missing.String())
	}
}

func TestText(t *testing.T) {
	if got := samples.Text("unretransmitted-fin"); !strings.HasPrefix(got, "KB Q254930") {
		t.Errorf("the sample of unretransmitted-fin begins %.20q", got)
	}
	if got := samples.Text("no-such-detector"); got != "" {
		t.Errorf("a detector without a sample has the text %q", got)
	}
}
