package report

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/pictures"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// step is a segment as the engine reports it.
func step(f *result.Flow, class fsm.Class, seg reassembly.Segment) *result.Step {
	return &result.Step{Seg: seg, Side: sender(f, &seg), Class: class, State: f.State, Bounded: f.Bounded}
}

// draw makes the evidence frames of the finding into the whole connection.
func draw(p *Pictures, f *result.Finding) {
	for _, e := range inTime(f.Evidence) {
		class := fsm.PureAck
		switch {
		case e.Role == "probe":
			class = fsm.Probe
		case e.Seg.Flags.Has(reassembly.FIN):
			class = fsm.NewData
		}
		p.Add(f.Flow.ID, step(f.Flow, class, e.Seg))
	}
}

// pictured is HTML with pictures of the evidence frames.
func pictured(w io.Writer, r *result.Report, o Options) error {
	o.Pictures = NewPictures(r, o)
	drawn := map[uint64]bool{}
	for i := range r.Findings {
		if f := &r.Findings[i]; !drawn[f.Flow.ID] {
			draw(o.Pictures, f)
			drawn[f.Flow.ID] = true
		}
	}
	return HTML(w, r, o)
}

// withoutStyle leaves the style sheet out, which people look at elsewhere.
func withoutStyle(write writer) writer {
	return func(w io.Writer, r *result.Report, o Options) error {
		var b bytes.Buffer
		if err := write(&b, r, o); err != nil {
			return err
		}
		_, err := w.Write(regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAll(b.Bytes(), []byte("<style>...</style>")))
		return err
	}
}

// voids are the elements without an end (HTML 13.1.2).
var voids = []string{"meta", "link", "br", "col"}

// TestHTML_harmless reads pages as a browser does: what is opened is closed in
// order, nothing can run, nothing is fetched, no id is there twice, and what
// names an id finds it.
func TestHTML_harmless(t *testing.T) {
	everyOption := with(func(o *Options) { o.Undecided = true })
	for name, r := range map[string]*result.Report{
		"everything": everything(), "crowded": crowded(), "nothing": nothing(), "hostile": hostile(),
	} {
		t.Run(name, func(t *testing.T) {
			checkHTML(t, written(t, pictured, r, everyOption))
			checkHTML(t, written(t, HTML, r, everyOption))
		})
	}
}

// elements are all that a page consists of.
var elements = strings.Fields("html head meta link title style body header main footer section article h1 h2 h3 h4 h5 p ul li a b br code span strong " +
	"div table colgroup col thead tbody tr th td dl dt dd details summary figure figcaption svg desc text rect line path")

func checkHTML(t *testing.T, page []byte) {
	t.Helper()
	ids, named := map[string]bool{}, []string{}
	var open []string
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		kind := z.Next()
		token := z.Token()
		switch kind {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				t.Errorf("the page ends with %v inside %v", z.Err(), open)
			}
			for _, id := range named {
				if !ids[id] {
					t.Errorf("nothing has the id %q", id)
				}
			}
			return
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				t.Fatalf("</%s> inside %v", token.Data, open)
			}
			open = open[:len(open)-1]
		case html.StartTagToken, html.SelfClosingTagToken:
			if !slices.Contains(elements, token.Data) {
				t.Errorf("an element %s", token)
			}
			for _, a := range token.Attr {
				checkAttribute(t, token, a)
				switch {
				case a.Key == "id" && ids[a.Val]:
					t.Errorf("the id %q is there twice", a.Val)
				case a.Key == "id":
					ids[a.Val] = true
				case a.Key == "aria-labelledby":
					named = append(named, strings.Fields(a.Val)...)
				case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
					named = append(named, a.Val[1:])
				}
			}
			if kind == html.StartTagToken && !slices.Contains(voids, token.Data) {
				open = append(open, token.Data)
			}
		case html.CommentToken:
			t.Errorf("a comment %s", token)
		}
	}
}

func checkAttribute(t *testing.T, token html.Token, a html.Attribute) {
	t.Helper()
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "src", a.Key == "style", a.Key == "srcset":
		t.Errorf("an attribute %s=%q of %s", a.Key, a.Val, token)
	case a.Key == "href" && a.Val != "data:," && !strings.HasPrefix(a.Val, "#"):
		t.Errorf("a reference to %q", a.Val)
	}
	if strings.Contains(a.Val, "javascript:") || strings.Contains(a.Val, "url(") || strings.Contains(a.Val, "ZgotmplZ") {
		t.Errorf("a value %s=%q of %s", a.Key, a.Val, token)
	}
}

// TestHTML_policy: the page may not fetch anything, not even if something escaped
// from its element.
func TestHTML_policy(t *testing.T) {
	page := written(t, HTML, everything(), testOptions())
	const policy = `<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; img-src data:">`
	at := bytes.Index(bytes.ReplaceAll(page, []byte("'"), []byte("&#39;")), []byte(policy))
	if at < 0 || at > bytes.Index(page, []byte("<style")) {
		t.Errorf("no policy before the style sheet in:\n%s", page[:600])
	}
	style, err := os.ReadFile("html.css")
	if err != nil {
		t.Fatal(err)
	}
	if at := regexp.MustCompile(`(?i)url\(|@import|expression|//`).Find(style); at != nil {
		t.Errorf("the style sheet has %q", at)
	}
}

// long is a connection of n segments that does what takes most room to draw.
func long(p *Pictures, f *result.Flow, n int) {
	data, acked := uint32(1), uint32(1)
	for i := range n {
		at := float64(i) / 1e4
		seg := sent(f, reassembly.B, uint32(i), at, ack, data, 1000, 1, 500)
		class := fsm.NewData
		switch i % 10 {
		case 3:
			class, seg.Seq = fsm.Retransmission, seg.Seq-5000
		case 5:
			class, seg.Len = fsm.Probe, 0
		case 7:
			seg = sent(f, reassembly.A, uint32(i), at, ack, 1+uint32(i), 10, acked, uint16(i*7919)|1)
			acked = data
		case 9:
			seg = sent(f, reassembly.A, uint32(i), at, ack, 1+uint32(i), 10, acked, 0)
		default:
			data += 1000
		}
		p.Add(f.ID, step(f, class, seg))
	}
}

// TestHTML_sizeOfMillions: pictures of a million segments stay small.
func TestHTML_sizeOfMillions(t *testing.T) {
	const n = 1_000_000
	r := everything()
	r.Findings = r.Findings[:1]
	f := r.Findings[0].Flow
	f.Last = after(n / 1e4)
	r.Findings[0].Start, r.Findings[0].End = after(40), after(41)
	o := testOptions()
	without := len(written(t, HTML, r, o))
	o.Pictures = NewPictures(r, o)
	long(o.Pictures, f, n)
	with := written(t, HTML, r, o)
	checkHTML(t, with)
	figures := regexp.MustCompile(`(?s)<figure>.*?</figure>`).FindAll(with, -1)[1:] // the first is the timeline
	if len(figures) != 2 {
		t.Fatalf("%d figures, want one of the moment and one of the whole", len(figures))
	}
	for i, figure := range figures {
		t.Logf("figure %d: %d bytes", i+1, len(figure))
		if len(figure) > 100_000 {
			t.Errorf("figure %d has %d bytes", i+1, len(figure))
		}
	}
	t.Logf("page: %d bytes without pictures, %d with", without, len(with))
}

// TestHTML_manyFindings: a page does not grow with the number of connections.
func TestHTML_manyFindings(t *testing.T) {
	r := everything()
	r.Flows, r.Findings = nil, nil
	const n = 20_000
	for i := range n {
		f := flow(uint64(i+1), fmt.Sprintf("10.%d.%d.%d:4000", i>>16, i>>8&255, i&255), fmt.Sprintf("10.99.0.%d:443", i%200))
		f.First = after(float64(i%3600) / 60)
		r.Flows = append(r.Flows, *f)
	}
	r.Totals.Flows = n
	for i := range r.Flows {
		found := lastAck(&r.Flows[i])
		found.ID, found.Outcome = fmt.Sprintf("%016x", i), fmt.Sprintf("outcome-%d", i%40)
		found.Evidence = found.Evidence[:1]
		r.Findings = append(r.Findings, found)
	}
	page := written(t, pictured, r, testOptions())
	checkHTML(t, page)
	if n := bytes.Count(page, []byte("<article>")); n != maxSections {
		t.Errorf("%d findings in full, want %d", n, maxSections)
	}
	if !bytes.Contains(page, []byte("Of the findings, 50 are shown in full")) {
		t.Error("the page does not say that it leaves findings out")
	}
	t.Logf("%d bytes", len(page))
	if len(page) > 1_000_000 {
		t.Errorf("%d bytes", len(page))
	}
}

// marked is a report with a picture in which every mark is.
func marked() (*result.Report, Options) {
	r := everything()
	r.Findings = r.Findings[:1]
	f := r.Findings[0].Flow
	f.ISS = [2]reassembly.Seq{1000, 4294967000} // b's numbers wrap
	o := testOptions()
	o.Pictures = NewPictures(r, o)
	a, b := reassembly.A, reassembly.B
	for i, s := range []struct {
		side  reassembly.Side
		class fsm.Class
		at    float64
		flags reassembly.Flags
		seq   uint32
		len   uint32
		ack   uint32
		win   uint16
	}{
		{a, fsm.Syn, 0, reassembly.SYN, 0, 0, 0, 500},
		{b, fsm.Syn, .1, reassembly.SYN | ack, 0, 0, 1, 500},
		{b, fsm.NewData, 1, ack, 1, 200, 1, 500},
		{b, fsm.NewData, 2, ack, 201, 200, 1, 500},
		{b, fsm.Retransmission, 3, ack, 1, 200, 1, 500},
		{a, fsm.PureAck, 4, ack, 1, 0, 401, 0},
		{b, fsm.Probe, 10, ack, 400, 0, 1, 500},
		{b, fsm.KeepAlive, 20, ack, 400, 0, 1, 500},
		{b, fsm.Ambiguous, 25, ack, 400, 0, 1, 500},
		{b, fsm.OutOfOrder, 30, ack, 401, 10, 1, 500},
		{a, fsm.DupAck, 35, ack, 1, 0, 401, 500},
		{b, fsm.NewData, 40, fin, 411, 0, 1, 500},
		{b, fsm.Retransmission, 40.2, fin, 411, 0, 1, 500}, // FIN, FIN and R in one place
		{b, fsm.Rst, 50, reassembly.RST, 900_000, 0, 1, 0},
	} {
		seg := sent(f, s.side, uint32(i+1), s.at, s.flags, s.seq, s.len, s.ack, s.win)
		o.Pictures.Add(f.ID, step(f, s.class, seg))
	}
	return r, o
}

// TestPicture_marks: what happened is drawn, with its letter, and described.
func TestPicture_marks(t *testing.T) {
	r, o := marked()
	page := string(written(t, HTML, r, o))
	for _, sign := range pictures.Signs {
		if !regexp.MustCompile(`<text class="mark ` + sign.Class + `"[^>]*>` + regexp.QuoteMeta(sign.Sign) + `</text>`).MatchString(page) {
			t.Errorf("no %s in the picture", sign.Sign)
		}
		if !strings.Contains(page, `<path class="dot `+sign.Class+`" d="M`) {
			t.Errorf("no dot of a %s in the picture", sign.Sign)
		}
		if !strings.Contains(page, sign.Meaning) {
			t.Errorf("nothing says what %s means", sign.Sign)
		}
	}
	for _, line := range []string{"edge", "closed", "ack", "sent", "again"} {
		if !strings.Contains(page, `<path class="`+line+`" d="M`) {
			t.Errorf("no line of %s", line)
		}
	}
	if !strings.Contains(page, ">400</text>") {
		t.Error("no relative sequence number on the axis")
	}
}

// TestPicture_allocatesNothing once a connection is long.
func TestPicture_allocatesNothing(t *testing.T) {
	r := everything()
	f := r.Findings[0].Flow
	p := NewPictures(r, testOptions())
	i := uint32(0)
	add := func() {
		for range 1000 {
			i++
			seg := sent(f, reassembly.B, i+1000, float64(i)/1e3, ack, i*10, 10, 1, 500)
			p.Add(f.ID, &result.Step{Seg: seg, Side: reassembly.B, Class: fsm.NewData})
		}
	}
	for range 10 {
		add()
	}
	if n := testing.AllocsPerRun(10, add); n > 0 {
		t.Errorf("%v allocations for 1000 segments", n)
	}
}

// TestContrast holds the colours of both themes to WCAG 2.2: 4.5 for text (SC
// 1.4.3), 3 for what must be seen of a picture (SC 1.4.11).
func TestContrast(t *testing.T) {
	style, err := os.ReadFile("html.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(style), "prefers-color-scheme: dark")
	if !found {
		t.Fatal("there is no dark theme")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	for theme, css := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z]+): #([0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []struct {
			on    string
			least float64
			of    string
		}{
			{"paper", 4.5, "ink quiet critical warning info undecided sent ack edge shut resent probe fin rst"}, // letters have a rim of paper
			{"soft", 4.5, "ink quiet"},
			{"shade", 4.5, "quiet"},
			{"shade", 3, "sent ack edge shut resent probe fin rst"},
			{"paper", 3, "bar"},
		} {
			for _, name := range strings.Fields(pair.of) {
				if _, known := colours[name]; !known {
					t.Fatalf("%s: no colour %s", theme, name)
				}
				if got := contrast(colours[name], colours[pair.on]); got < pair.least {
					t.Errorf("%s: %s on %s has a contrast of %.2f, want %.1f", theme, name, pair.on, got, pair.least)
				}
			}
		}
	}
}

// luminance is the relative luminance of a colour in sRGB (WCAG 2.2).
func luminance(t *testing.T, hex string) float64 {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(c uint64) float64 {
		v := float64(c&255) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}

func contrast(a, b float64) float64 { return (max(a, b) + 0.05) / (min(a, b) + 0.05) }
