package report

import (
	"bytes"
	"html/template"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/browsertest"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// transfer is a connection without a finding: b sends, one segment is lost and sent again
// after duplicate ACKs with SACK, and a's window shuts once.
func transfer(t *testing.T) []byte {
	t.Helper()
	r := everything()
	r.Flows, r.Findings, r.Totals.Groups, r.Captures = r.Flows[:1], nil, nil, r.Captures[:1]
	f := &r.Flows[0]
	f.ISS, f.Last = [2]reassembly.Seq{1000, 4294967000}, after(2) // b's numbers wrap
	record := waits.Record{From: f.First, To: f.Last, Waits: detectors.Waits{detectors.Network: 1e9, detectors.Loss: 1e9}}
	f.Time = &record
	f.Strip = &waits.Strip{}
	a, b := reassembly.A, reassembly.B
	steps := []struct {
		side          reassembly.Side
		class         fsm.Class
		at            float64
		flags         reassembly.Flags
		seq, len, ack uint32
		win           uint16
		sack          uint32 // of a: 1000 bytes up to it
	}{
		{a, fsm.Syn, 0, reassembly.SYN, 0, 0, 0, 500, 0},
		{b, fsm.Syn, .1, reassembly.SYN | ack, 0, 0, 1, 500, 0},
		{a, fsm.PureAck, .11, ack, 1, 0, 1, 9000, 0},
		{b, fsm.NewData, .2, ack, 1, 1000, 1, 500, 0},
		{b, fsm.NewData, .3, ack, 1001, 1000, 1, 500, 0},
		{a, fsm.PureAck, .4, ack, 1, 0, 1001, 8000, 0},
		{b, fsm.NewData, .5, ack, 2001, 1000, 1, 500, 0},
		{a, fsm.DupAck, .6, ack, 1, 0, 1001, 8000, 3001},
		{b, fsm.Retransmission, 1, ack, 1001, 1000, 1, 500, 0},
		{a, fsm.PureAck, 1.1, ack, 1, 0, 3001, 0, 0},
		{a, fsm.WindowUpdate, 1.5, ack, 1, 0, 3001, 9000, 0},
		{b, fsm.NewData, 2, fin, 3001, 0, 1, 500, 0},
	}
	o := testOptions()
	o.Connection = true
	o.Pictures = NewPictures(r, o)
	for i, s := range steps {
		seg := sent(f, s.side, uint32(i+1), s.at, s.flags, s.seq, s.len, s.ack, s.win)
		if s.sack > 0 {
			seg.Opts.NBlocks = 1
			seg.Opts.Blocks[0] = reassembly.Block{From: f.ISS[b] + reassembly.Seq(s.sack-1000), To: f.ISS[b] + reassembly.Seq(s.sack)}
		}
		x := step(f, s.class, seg)
		x.N = uint64(i + 1)
		o.Steps = append(o.Steps, *x)
		o.Pictures.Add(f.ID, x)
	}
	for _, x := range []waits.Stretch{{Wait: detectors.Network, Start: after(0), End: after(1)}, {Wait: detectors.Loss, Start: after(1), End: after(2)}} {
		o.Pictures.Wait(f.ID, &x)
	}
	return written(t, HTML, r, o)
}

// TestConnection_page: a connection without any finding has its pictures, with every sign,
// the strip of waits with what its colours mean, and its frames.
func TestConnection_page(t *testing.T) {
	page := string(transfer(t))
	for _, want := range []string{
		`<path class="sacked" d="M`, `class="mark dup"`, `class="mark resent"`, `class="mark shut"`, `<path class="closed" d="M`,
		">Throughput of what server sent<", ">Round trip of what server sent, as the capture point sees it<", ">Bytes in flight from server, and the window that client offered (dashed)<",
		`<rect class="wait loss"`, "<b>loss</b> lost data was sent again", "At most 2,000 bytes in flight", "retransmissions aside: 10 ms to 200 ms",
		`<code>. 1001:2001(1000) ack 1 win 500</code>`, "retransmission",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	if n := strings.Count(page, "<tr data-x="); n != 12 {
		t.Errorf("%d frames can be found in the pictures, want 12", n)
	}
}

// withoutScript is a page without its one script.
func withoutScript(page []byte) []byte {
	return bytes.Replace(page, []byte("<script>"+FiguresScript+"</script>"), nil, 1)
}

// TestConnection_harmless: nothing from outside becomes more than text.
func TestConnection_harmless(t *testing.T) {
	r := hostile()
	f := &r.Flows[0]
	f.Ending, f.History = "<script>alert(1)</script>", "\x1b[31m<b>"
	o := testOptions()
	o.Connection = true
	o.Pictures = NewPictures(r, o)
	for i := range r.Findings[0].Evidence {
		x := step(f, fsm.Probe, r.Findings[0].Evidence[i].Seg)
		x.N = uint64(i + 1)
		o.Steps = append(o.Steps, *x)
		o.Pictures.Add(f.ID, x)
	}
	checkHTML(t, withoutScript(written(t, HTML, r, o)))
}

// TestConnection_script: the page runs its one script, which its policy names, and no other.
func TestConnection_script(t *testing.T) {
	page := transfer(t)
	if n := bytes.Count(page, []byte("<script>")); n != 1 {
		t.Errorf("%d scripts", n)
	}
	script := regexp.MustCompile(`(?s)<script>(.*)</script>`).FindSubmatch(page)[1]
	hash := (&connectionPage{Script: template.JS(script)}).ScriptHash()
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindSubmatch(page)
	if got := html.UnescapeString(string(policy[1])); got != "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src "+hash {
		t.Errorf("the policy is %s, the script %s", got, hash)
	}
	if at := regexp.MustCompile(`fetch|XMLHttp|import\(|innerHTML|eval\(|https?://`).FindAllString(strings.ReplaceAll(FiguresScript, "http://www.w3.org/2000/svg", ""), -1); at != nil {
		t.Errorf("the script has %q", at)
	}
}

// TestConnection_browser: a reader zooms by dragging, clicks the retransmission, and prints.
func TestConnection_browser(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x.html")
	if err := os.WriteFile(file, transfer(t), 0o644); err != nil {
		t.Fatal(err)
	}
	p := browsertest.Open(t)
	p.Screen(1100, 900, false)
	p.Go("file://" + file)
	const plot = `document.querySelectorAll("svg.picture")[1]`
	var box struct{ X, Y, Width, Height float64 }
	p.Eval(&box, `(scrollTo(0, %[1]s.getBoundingClientRect().top - 100), %[1]s.getBoundingClientRect().toJSON())`, plot)
	// Frame 9, at 1 s of a width of 2.1 s.
	p.Click(box.X+box.Width*(1.05/2.1), box.Y+box.Height/2)
	var shown string
	p.Eval(&shown, `document.querySelector("output").textContent`)
	for _, want := range []string{"frame 9, 1.000000 s: retransmission", "server > client: . 1001:2001(1000) ack 1 win 500", "client 10.77.1.1:60558 ESTABLISHED"} {
		if !strings.Contains(shown, want) {
			t.Errorf("a click shows %q, want %q", shown, want)
		}
	}
	p.Drag(box.X+box.Width*0.5, box.Y+20, box.X+box.Width*0.9, box.Y+40)
	var zoomed struct {
		Views []string
		Ticks []string
		Width float64
	}
	p.Eval(&zoomed, `({
		Views: [...document.querySelectorAll("figure[data-from] svg.picture > svg")].map(s => s.getAttribute("viewBox").split(" ").filter((_, i) => i %% 2 == 0).map(Number).map(Math.round).join(" ")),
		Ticks: [...%s.querySelectorAll(".tick")].map(t => t.textContent),
		Width: document.documentElement.scrollWidth,
	})`, plot)
	if len(zoomed.Views) != 4 || strings.Count(strings.Join(zoomed.Views, ","), zoomed.Views[0]) != 4 || !strings.HasSuffix(zoomed.Views[0], " 6554") {
		t.Errorf("the pictures show %q, want two fifths of 16384 columns, the same in all", zoomed.Views)
	}
	if len(zoomed.Ticks) < 3 || zoomed.Ticks[0] != "1.0 s" && zoomed.Ticks[0] != "1.1 s" {
		t.Errorf("the time axis has %q", zoomed.Ticks)
	}
	for range 2 { // a step back and forth by the buttons, as with the keyboard
		p.Eval(nil, `[...document.querySelectorAll(".tools button")].find(b => b.textContent == "Next frame").click()`)
	}
	if p.Eval(&shown, `document.querySelector("tr.chosen .frame").textContent`); shown != "frame 11, 1.500000 s" {
		t.Errorf("two frames on is %q", shown)
	}
	if logged := p.Logged(); len(logged) > 0 {
		t.Errorf("the browser logs %q", logged)
	}
	if asked := p.Requests(); len(asked) > 2 { // the page and its icon
		t.Errorf("the page asked for %q", asked)
	}
	p.Screen(360, 800, true)
	if p.Eval(&zoomed.Width, `document.documentElement.scrollWidth`); zoomed.Width > 360 {
		t.Errorf("the page is %v pixels wide on a phone", zoomed.Width)
	}
	checkPrint(t, p.PDF())
}

// checkPrint looks at a printed page: what can be used only on a screen is not there.
func checkPrint(t *testing.T, pdf []byte) {
	t.Helper()
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 10_000 {
		t.Fatalf("no PDF: %d bytes", len(pdf))
	}
	if pages := len(regexp.MustCompile(`/Type ?/Page\b[^s]`).FindAll(pdf, -1)); pages < 2 || pages > 6 {
		t.Errorf("%d pages", pages)
	}
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		return
	}
	cmd := exec.Command(tool, "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("1001:2001(1000)")) || bytes.Contains(text, []byte("Zoom in")) {
		t.Errorf("printed: %s", text)
	}
}

// TestFlow_markdownHasTimeline: a ticket has the connection as text.
func TestFlow_markdownHasTimeline(t *testing.T) {
	r := everything()
	r.Flows, r.Findings = r.Flows[:1], nil
	o := testOptions()
	o.Connection = true
	o.Steps = []result.Step{*step(&r.Flows[0], fsm.NewData, sent(&r.Flows[0], reassembly.A, 7, 1, ack, 1, 10, 1, 500))}
	if page := string(written(t, Markdown, r, o)); !strings.Contains(page, "1:11(10)") {
		t.Errorf("no timeline in\n%s", page)
	}
}
