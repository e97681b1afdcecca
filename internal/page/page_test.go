package page

import (
	"archive/zip"
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/browsertest"
	"github.com/tcptrace-go/tcptrace/internal/cli"
	"github.com/tcptrace-go/tcptrace/internal/race"
)

// dir is where the page is, once a test has built it.
var dir string

// build builds the page, once for all tests.
var build = sync.OnceValue(func() error {
	parts, err := Build("")
	if err == nil {
		dir, err = os.MkdirTemp("", "tcptrace-page")
	}
	if err == nil {
		err = Write(dir, parts)
	}
	return err
})

func TestMain(m *testing.M) {
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// start opens a browser, and builds the page if there is one.
func start(t *testing.T) *site {
	t.Helper()
	if race.Enabled {
		t.Skip("the page runs no Go code that the race detector sees")
	}
	s := &site{t: t, Page: browsertest.Open(t)}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return s
}

// A site is the page on a web server, in a browser.
type site struct {
	*browsertest.Page
	t *testing.T

	mu    sync.Mutex
	asked []string
}

func open(t *testing.T) *site {
	t.Helper()
	s := start(t)
	files := http.FileServer(http.Dir(dir))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.URL.Path)
		s.mu.Unlock()
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.Go(server.URL + "/")
	s.ready()
	return s
}

// ready waits until the page has its module.
func (s *site) ready() {
	s.t.Helper()
	s.Wait(`document.documentElement.dataset.ready || %s.className`, status)
	s.nothingFailed()
}

const status = `document.getElementById("status")`

func (s *site) nothingFailed() {
	s.t.Helper()
	var failed string
	if s.Eval(&failed, `%[1]s.className && %[1]s.textContent`, status); failed != "" {
		s.t.Fatalf("the page says %q", failed)
	}
}

// shown waits until a view is shown.
func (s *site) shown(view string) {
	s.t.Helper()
	s.Wait(`document.getElementById("result").dataset.view == %q || %s.className`, view, status)
	s.nothingFailed()
}

func (s *site) click(selector string) {
	s.t.Helper()
	s.Eval(nil, `document.querySelector(%q).click()`, selector)
}

// text is what the page shows as text.
func (s *site) text() (text string) {
	s.t.Helper()
	s.Eval(&text, `document.querySelector("#result pre").textContent`)
	return text
}

// command is what the command prints in a directory.
func command(t *testing.T, dir string, args ...string) string {
	t.Helper()
	t.Chdir(dir)
	var out, errs bytes.Buffer
	cli.Run(cli.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Detectors: catalogue.All})
	if out.Len() == 0 {
		t.Fatalf("tcptrace %v prints nothing: %s", args, errs.String())
	}
	return out.String()
}

func samples(t *testing.T, names ...string) (folder string, paths []string) {
	t.Helper()
	folder, err := filepath.Abs("../../samples")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		paths = append(paths, filepath.Join(folder, name))
	}
	return folder, paths
}

// TestPage_sameAsCommand chooses and drops captures, and compares every view as text with what the command prints.
// Nothing is asked for after the page has loaded, and nothing can be.
func TestPage_sameAsCommand(t *testing.T) {
	const file, other = "close-wait-leak.pcapng", "retransmissions.pcapng"
	s := open(t)
	checkSize(t)
	loaded := len(s.asked)
	if want := []string{"/", "/" + Module}; !slices.Equal(s.asked, want) {
		t.Errorf("loading asks for %q, want %q", s.asked, want)
	}
	folder, paths := samples(t, file, other)
	s.Choose("#files", paths[0])
	s.shown("findings")
	var found struct {
		Findings, Parts int
		Duration        float64
	}
	s.Eval(&found, `({Findings: document.querySelectorAll("#result section.finding").length, Duration: duration})`)
	if found.Findings != 1 || found.Duration == 0 {
		t.Errorf("the page shows %+v", found)
	}
	s.click("#as-text")
	for _, c := range []struct {
		view string
		args []string
	}{
		{"findings", nil}, {"connections", []string{"--flows"}}, {"time", []string{"--time"}}, {"connection", []string{"--flow", "1"}}, {"states", []string{"--states", "--at", "+1.5"}},
	} {
		if c.view == "states" {
			s.Eval(nil, `document.getElementById("seconds").value = "1.5"`)
		}
		s.click("nav [data-view=" + c.view + "]")
		s.shown(c.view + "-text")
		if got, want := s.text(), command(t, folder, append(c.args, file)...); got != want {
			t.Errorf("%s:\n%s\nwant, as the command:\n%s", c.view, got, want)
		}
	}
	s.click("#as-text") // the sockets again, as a table
	s.shown("states")
	var rows int
	if s.Eval(&rows, `document.querySelectorAll("#result tbody tr").length`); rows != 2 {
		t.Errorf("%d sockets", rows)
	}
	s.click("nav [data-view=connections]")
	s.shown("connections")
	s.click("#connections .show") // a connection of the list
	s.shown("connection")
	if s.Eval(&rows, `document.querySelectorAll("#result tr[data-x]").length`); rows == 0 {
		t.Error("the connection has no frames")
	}

	s.Eval(nil, `delete document.getElementById("result").dataset.view`)
	s.Drop(100, 100, paths...) // two files are one trace
	s.shown("findings")
	s.click("#as-text")
	s.shown("findings-text")
	if got, want := s.text(), command(t, folder, file, other); got != want {
		t.Errorf("two files:\n%s\nwant, as the command:\n%s", got, want)
	}

	var sent string
	s.Eval(&sent, `fetch(%q).then(() => "sent", () => "refused")`, Module)
	if sent != "refused" {
		t.Error("the page may still fetch something")
	}
	s.Eval(&sent, `new Promise(done => {
		const worker = new Worker(URL.createObjectURL(new Blob(["fetch('" + location.href + "').then(() => postMessage('sent'), () => postMessage('refused'))"])));
		worker.onmessage = event => done(event.data);
	})`)
	if sent != "refused" {
		t.Error("a worker may still fetch something")
	}
	if len(s.asked) != loaded {
		t.Errorf("after loading, the page asked for %q", s.asked[loaded:])
	}
}

// checkSize holds what a browser has to load. With Brotli, the module is 0.70 times as large
// as with gzip, so this keeps it below 3 MB.
func checkSize(t *testing.T) {
	t.Helper()
	const most = 4_430_000
	if st, err := os.Stat(filepath.Join(dir, Module)); err != nil || st.Size() > most {
		t.Errorf("the module has %d bytes compressed, want %d at most: what did it get that a browser cannot do? (%v)", st.Size(), most, err)
	}
}

// TestPage_oneFile opens the page from the disk, pastes a trace, cancels a run, and downloads.
func TestPage_oneFile(t *testing.T) {
	s := start(t)
	s.Screen(360, 800, true)
	s.Go("file://" + filepath.Join(dir, Single))
	s.ready()
	scenario, err := os.ReadFile("../../samples/unretransmitted-fin.txtar")
	if err != nil {
		t.Fatal(err)
	}
	// A run is cancelled before it has said anything; the next is not disturbed.
	s.Eval(nil, `document.getElementById("text").value = %q, document.getElementById("analyse-text").click(), document.getElementById("cancel").click()`, scenario)
	var said string
	if s.Eval(&said, `%s.textContent`, status); said != "Cancelled." {
		t.Errorf("after a run was cancelled, the page says %q", said)
	}
	s.click("#analyse-text")
	s.shown("findings")
	var page struct {
		Title     string
		Width     float64
		Unlabeled []string
	}
	s.Eval(&page, `({
		Title: document.querySelector("#result section.finding h2").textContent, Width: document.documentElement.scrollWidth,
		Unlabeled: [...document.querySelectorAll("input, select, textarea, button, progress")].filter(e => !(e.labels && e.labels.length) && !e.textContent.trim() && !e.ariaLabel).map(e => e.outerHTML),
	})`)
	if !strings.Contains(page.Title, "FIN") || page.Width > 360 || len(page.Unlabeled) > 0 {
		t.Errorf("the page is %+v", page)
	}
	s.keyboard()
	for button, want := range map[string][]string{
		"report":     nil,
		"evidence":   {"report.html", ".pcapng"},
		"anonymised": {"report.html", ".pcapng"},
	} {
		s.Eval(nil, `document.getElementById("download").replaceChildren()`)
		s.click("#download-" + button)
		s.Wait(`document.querySelector("#download a") || %s.className`, status)
		s.nothingFailed()
		var content []byte
		s.Eval(&content, `btoa(Array.from([...results.values()].at(-1).out, b => String.fromCharCode(b)).join(""))`)
		if want == nil {
			if !bytes.HasPrefix(content, []byte("<!DOCTYPE html>")) {
				t.Errorf("the report begins with %.40q", content)
			}
			continue
		}
		checkZip(t, content, want)
	}
	for _, url := range s.Requests() {
		if !strings.HasPrefix(url, "file://"+dir) && !strings.HasPrefix(url, "blob:") && !strings.HasPrefix(url, "data:") {
			t.Errorf("the page asked for %s", url)
		}
	}
	if logged := s.Logged(); len(logged) > 0 {
		t.Errorf("the browser logs %q", logged)
	}
}

// keyboard goes to another view without a mouse.
func (s *site) keyboard() {
	s.t.Helper()
	var view string
	for range 50 {
		s.Press("Tab")
		if s.Eval(&view, `document.activeElement.dataset.view || ""`); view == "time" {
			s.Press("Enter")
			s.shown("time")
			return
		}
	}
	s.t.Error("the keyboard does not get to the times")
}

func checkZip(t *testing.T, content []byte, want []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range want {
		if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, end) && f.UncompressedSize64 > 100 }) {
			t.Errorf("the archive has no %s", end)
		}
	}
}
