package report

import (
	"bytes"
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
)

// A browser opens pages of a server that answers for the whole network.
type browser struct {
	path  string
	serve *httptest.Server

	mu    sync.Mutex
	pages map[string][]byte // by path
	seen  []string          // what was asked of the network
}

// newBrowser skips the test where there is no Chromium.
func newBrowser(t *testing.T, pages map[string][]byte) *browser {
	t.Helper()
	t.Parallel() // a browser takes a second to start
	b := &browser{pages: pages}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && b.path == "" {
			b.path = path
		}
	}
	if b.path == "" {
		t.Skip("there is no chromium here: install it to see pages as a browser does")
	}
	b.serve = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.seen = append(b.seen, r.Host+r.URL.Path)
		page := b.pages[r.URL.Path]
		b.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	}))
	t.Cleanup(b.serve.Close)
	return b
}

// host is a name that nobody has; every name leads to the server.
const host = "report.invalid"

// open returns the page as the browser understood it, and the messages on its
// console.
func (b *browser) open(t *testing.T, path string, flags ...string) (dom []byte, console []string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile) // the browser may still be writing there: not TempDir
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--user-data-dir=" + profile, "--enable-logging=stderr", "--log-level=0",
		"--host-resolver-rules=MAP * " + b.serve.Listener.Addr().String(), "--proxy-server=direct://", "--dump-dom",
	}, flags...)
	cmd := exec.CommandContext(ctx, b.path, append(args, "http://"+host+path)...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", b.path, err, log.String())
	}
	for _, line := range strings.Split(log.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			console = append(console, line)
		}
	}
	return out.Bytes(), console
}

// asked is what pages requested: the browser's own requests do not go to the
// name.
func (b *browser) asked() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.seen), func(s string) bool { return !strings.Contains(s, ".invalid/") })
}

// TestBrowser_quiet: the browser logs nothing, and the page requests nothing, even
// if it is hostile.
func TestBrowser_quiet(t *testing.T) {
	page := written(t, pictured, hostile(), with(func(o *Options) { o.Undecided = true }))
	t.Run("as it is", func(t *testing.T) {
		b := newBrowser(t, map[string][]byte{"/": page})
		dom, console := b.open(t, "/")
		if len(console) > 0 {
			t.Errorf("the browser logs %s", strings.Join(console, "\n"))
		}
		if want := []string{host + "/"}; !slices.Equal(b.asked(), want) {
			t.Errorf("the browser asked for %q, want %q", b.asked(), want)
		}
		checkElements(t, dom)
	})
	// These two show that the test above would see.
	const script, picture = `<script>console.log(1)</script>`, `<img src="http://elsewhere.invalid/x.png">`
	t.Run("with a script and a picture in it", func(t *testing.T) {
		b := newBrowser(t, map[string][]byte{"/": bytes.Replace(page, []byte("<header>"), []byte(script+picture+"<header>"), 1)})
		if _, console := b.open(t, "/"); len(console) != 2 {
			t.Errorf("the browser logs %q, want a message about the script and one about the picture", console)
		}
		if want := []string{host + "/"}; !slices.Equal(b.asked(), want) {
			t.Errorf("the policy let the browser ask for %q, want %q", b.asked(), want)
		}
	})
	t.Run("without a policy", func(t *testing.T) {
		b := newBrowser(t, map[string][]byte{"/": []byte(`<link rel="icon" href="data:,">` + picture)})
		b.open(t, "/")
		if !slices.Contains(b.asked(), "elsewhere.invalid/x.png") {
			t.Errorf("the browser asked only for %q", b.asked())
		}
	})
}

// checkElements fails on elements in the page, as the browser understood it, that
// it should not have.
func checkElements(t *testing.T, dom []byte) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(dom))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && !slices.Contains(elements, n.Data) {
			t.Errorf("an element <%s> inside <%s>", n.Data, n.Parent.Data)
		}
	}
}

// measuring shows a page in a frame as wide as a phone or a monitor, and writes
// down its layout. Its script is the test's: the frame cannot run one.
var measuring = template.Must(template.New("").Parse(`<!DOCTYPE html><meta name="color-scheme" content="light dark">
<iframe id="frame" style="border:0;width:{{.Width}}px;height:2000px" srcdoc="{{.Page}}"></iframe>
<script>
const box = e => { const r = e.getBoundingClientRect(); return {Left: r.left, Right: r.right, Top: r.top, Bottom: r.bottom} }
onload = () => {
  const page = document.getElementById("frame").contentDocument
  const pictures = [...page.querySelectorAll("svg[role=img]")]
  document.body.textContent = JSON.stringify({
    Width: page.documentElement.scrollWidth,
    Paper: getComputedStyle(page.body).backgroundColor,
    Pictures: pictures.map(p => ({
      Box: box(p),
      Named: p.getAttribute("aria-labelledby").split(" ").every(id => page.getElementById(id).textContent != ""),
      Labels: [...p.querySelectorAll("text")].map(e => ({Text: e.textContent, Mark: e.classList.contains("mark"), Box: box(e)})),
      Lines: [...p.querySelectorAll("path")].map(e => ({Class: e.getAttribute("class"), Box: box(e), Width: parseFloat(getComputedStyle(e).strokeWidth)})),
    })),
  })
}
</script>`))

type rectangle struct{ Left, Right, Top, Bottom float64 }

func (r rectangle) inside(s rectangle) bool {
	return r.Left >= s.Left-2 && r.Right <= s.Right+2 && r.Top >= s.Top-2 && r.Bottom <= s.Bottom+2
}

// overlaps by more than what letters leave empty above and below.
func (r rectangle) overlaps(s rectangle) bool {
	const side, rim = 1, 4
	return r.Left+side < s.Right && s.Left+side < r.Right && r.Top+rim < s.Bottom && s.Top+rim < r.Bottom
}

// A layout is what the measuring page writes down.
type layout struct {
	Width    float64
	Paper    string
	Pictures []struct {
		Box    rectangle
		Named  bool
		Labels []struct {
			Text string
			Mark bool
			Box  rectangle
		}
		Lines []struct {
			Class string
			Box   rectangle
			Width float64
		}
	}
}

func (b *browser) measure(t *testing.T, page []byte, width int, flags ...string) (l layout) {
	t.Helper()
	var wrapped bytes.Buffer
	if err := measuring.Execute(&wrapped, map[string]any{"Width": width, "Page": string(page)}); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	b.pages["/measure"] = wrapped.Bytes()
	b.mu.Unlock()
	dom, console := b.open(t, "/measure", flags...)
	if len(console) > 0 {
		t.Errorf("the browser logs %s", strings.Join(console, "\n"))
	}
	root, err := html.Parse(bytes.NewReader(dom))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type == html.TextNode && strings.HasPrefix(n.Data, `{"Width"`) {
			if err := json.Unmarshal([]byte(n.Data), &l); err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	t.Fatalf("nothing was measured:\n%.2000s", dom)
	return l
}

// TestBrowser_layout: on a phone and on a monitor, no page is wider than the
// screen, pictures are there with their lines and letters, no letter lies on
// another, and the dark theme is dark.
func TestBrowser_layout(t *testing.T) {
	r, o := marked()
	page := written(t, HTML, r, o)
	for _, screen := range []struct {
		name  string
		width int
		paper string
		flags []string
	}{
		{"phone", 360, "rgb(255, 255, 255)", nil},
		{"dark monitor", 1280, "rgb(15, 20, 25)", []string{"--force-dark-mode", "--blink-settings=preferredColorScheme=0"}},
	} {
		t.Run(screen.name, func(t *testing.T) {
			b := newBrowser(t, map[string][]byte{})
			l := b.measure(t, page, screen.width, screen.flags...)
			if l.Width > float64(screen.width) {
				t.Errorf("the page is %v pixels wide on a screen of %d", l.Width, screen.width)
			}
			if l.Paper != screen.paper {
				t.Errorf("the paper is %s, want %s", l.Paper, screen.paper)
			}
			checkPictures(t, &l)
		})
	}
	t.Run("a hostile page on a phone", func(t *testing.T) {
		b := newBrowser(t, map[string][]byte{})
		if l := b.measure(t, written(t, pictured, hostile(), testOptions()), 360); l.Width > 360 {
			t.Errorf("the page is %v pixels wide", l.Width)
		}
	})
}

func checkPictures(t *testing.T, l *layout) {
	t.Helper()
	if len(l.Pictures) != 4 {
		t.Fatalf("%d pictures, want the timeline, how it began, and both directions of the connection", len(l.Pictures))
	}
	var marks []string
	for i, p := range l.Pictures {
		if !p.Named {
			t.Errorf("picture %d has no words", i+1)
		}
		for j, label := range p.Labels {
			if !label.Box.inside(p.Box) {
				t.Errorf("picture %d: %q at %v is outside %v", i+1, label.Text, label.Box, p.Box)
			}
			for _, other := range p.Labels[:j] {
				if label.Mark && label.Box.overlaps(other.Box) {
					t.Errorf("picture %d: %q at %v lies on %q at %v", i+1, label.Text, label.Box, other.Text, other.Box)
				}
			}
			if label.Mark {
				marks = append(marks, label.Text)
			}
		}
		for _, line := range p.Lines {
			if line.Width < 1 || !line.Box.inside(p.Box) {
				t.Errorf("picture %d: a line %s, %v pixels wide, at %v", i+1, line.Class, line.Width, line.Box)
			}
		}
	}
	for _, sign := range pictures.Signs {
		if !slices.Contains(marks, sign.Sign) {
			t.Errorf("no %s in %q", sign.Sign, marks)
		}
	}
}
