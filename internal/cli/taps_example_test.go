package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTapsExample keeps docs/taps.md in step with what tcptrace says of its example: the
// text of the report, and the two pictures.
func TestTapsExample(t *testing.T) {
	args := []string{"--tap", "client=" + filepath.FromSlash(docs+"taps/client.txtar"), "--tap", "outside=" + filepath.FromSlash(docs+"taps/outside.txtar")}
	text := string(printed(t, append(args, "--color", "never")...))
	verdict, _, _ := strings.Cut(text, "\n  When: ")
	summary := text[strings.Index(text, "\nTap client"):]
	page := docs + "taps.md"
	old, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)(<!-- the report;[^\n]*-->\n\n```\n).*?(```\n)")
	if !block.Match(old) {
		t.Fatalf("%s has no place for the report", page)
	}
	verdict = regexp.MustCompile(`(?m)^    in .*\n`).ReplaceAllString(verdict, "    in client.txtar:\n")
	keepFile(t, page, block.ReplaceAll(old, []byte("${1}"+strings.ReplaceAll(verdict+summary, "$", "$$")+"${2}")))

	e := readExample(t, printed(t, append(args, "--format", "json")...))
	keepFile(t, docs+"taps/ladder.svg", e.ladder())
	keepFile(t, docs+"taps/clocks.svg", e.clocks())
}

// keepFile compares a file with what it should be, or updates it.
func keepFile(t *testing.T, name string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(name); err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is stale: run go test ./internal/cli -run TapsExample -update", name)
	}
}

// A crossing is one segment of the example, and when each place saw it.
type crossing struct {
	fromServer bool
	text       string
	frame      [2]int // 0 where it was not seen
	at         [2]float64
	lost       bool // says the report
}

type example struct {
	segments                  []crossing // in the order of the sender's frames
	offset, uncertainty, skew float64
}

var exampleLine = regexp.MustCompile(`(?m)^([0-9.]+) +(client|server) > \w+ +(.*?) +win .*\{id (\d+)\}$`)

// readExample reads both traces, and what the report says of their segments and clocks.
func readExample(t *testing.T, document []byte) *example {
	t.Helper()
	type way struct{ Lost []struct{ Frame int } }
	var report struct {
		Taps []struct {
			Offset      float64 `json:"offset_s"`
			Uncertainty float64 `json:"uncertainty_s"`
			Skew        float64 `json:"skew_ppm"`
		}
		Flows []struct {
			Between []struct {
				ToServer way `json:"a2b"`
				ToClient way `json:"b2a"`
			}
		}
	}
	if err := json.Unmarshal(document, &report); err != nil {
		t.Fatal(err)
	}
	e := &example{offset: report.Taps[1].Offset, uncertainty: report.Taps[1].Uncertainty, skew: report.Taps[1].Skew}
	known := map[string]int{}
	for place, name := range []string{"client", "outside"} {
		trace, err := os.ReadFile(docs + "taps/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range exampleLine.FindAllStringSubmatch(string(trace), -1) {
			key := m[2] + m[4]
			if _, is := known[key]; !is {
				known[key] = len(e.segments)
				e.segments = append(e.segments, crossing{fromServer: m[2] == "server", text: strings.Join(strings.Fields(m[3]), " ")})
			}
			s := &e.segments[known[key]]
			s.frame[place] = i + 1
			s.at[place], _ = strconv.ParseFloat(m[1], 64)
		}
	}
	between := report.Flows[0].Between[0]
	lost := map[int]bool{}
	for _, l := range between.ToServer.Lost {
		lost[l.Frame] = true
	}
	for i := range e.segments {
		s := &e.segments[i]
		if s.lost = !s.fromServer && lost[s.frame[0]]; s.lost != (s.frame[1] == 0) {
			t.Errorf("frame %d of the client: lost %t", s.frame[0], s.lost)
		}
	}
	if len(between.ToClient.Lost) > 0 {
		t.Error("something from the server is lost")
	}
	return e
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" role="img" aria-label="%s">
<rect width="100%%" height="100%%" fill="#fff"/>
`

// ladder draws the end of the connection: what arrived slopes down to the other place,
// what was lost ends in a cross.
func (e *example) ladder() []byte {
	const left, right, row = 165, 610, 26
	last := e.segments[len(e.segments)-14:]
	var b bytes.Buffer
	fmt.Fprintf(&b, svg, 760, 70+row*len(last), "The last segments between client and outside: each FIN of the client is lost")
	fmt.Fprintf(&b, "<g stroke=\"#555\" stroke-width=\"2\"><path d=\"M%d 34V%d\"/><path d=\"M%d 34V%d\"/></g>\n", left, 60+row*len(last), right, 60+row*len(last))
	fmt.Fprintf(&b, "<g text-anchor=\"middle\" font-weight=\"bold\"><text x=\"%d\" y=\"24\">client</text><text x=\"%d\" y=\"24\">outside</text></g>\n", left, right)
	for i := range last {
		s := &last[i]
		y := 52 + row*i
		from, to, colour := left, right, "#1f5fa8"
		if s.fromServer {
			from, to, colour = right, left, "#2b7a3d"
		}
		if s.lost {
			to, colour = (left+right)/2+110, "#b3261e"
		}
		fmt.Fprintf(&b, "<g stroke=\"%s\" fill=\"%s\"><path stroke-width=\"1.5\" d=\"M%d %dL%d %d\"/>", colour, colour, from, y, to, y+10)
		if s.lost {
			fmt.Fprintf(&b, "<path stroke-width=\"2.5\" d=\"M%d %dl12 12m0 -12l-12 12\"/>", to-6, y+4)
		} else if s.fromServer {
			fmt.Fprintf(&b, "<path d=\"M%d %dl9 -5l1 9z\"/>", to, y+10)
		} else {
			fmt.Fprintf(&b, "<path d=\"M%d %dl-10 -5l1 9z\"/>", to, y+10)
		}
		fmt.Fprintf(&b, "<text stroke=\"none\" text-anchor=\"middle\" x=\"%d\" y=\"%d\">%s</text></g>\n", (left+right)/2-20, y, html.EscapeString(s.text))
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3f s, frame %d</text>\n", left-8, y+4, s.at[0], s.frame[0])
		if s.lost {
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" fill=\"#b3261e\">lost</text>\n", right+8, y+12)
		} else {
			fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">frame %d</text>\n", right+8, y+12, s.frame[1])
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// clocks draws how much later the second clock is, by each segment: those to the server
// lie above the truth by their delay, those to the client below it, and the line that the
// report gives runs between.
func (e *example) clocks() []byte {
	const left, top, width, height, seconds = 70, 20, 660, 300, 85
	at := func(x, ms float64) (int, int) {
		return left + int(x/seconds*width), top + int((7300-ms)/80*height)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, svg, 760, 380, "Differences between the two times of each segment, and the clock that lies between")
	for ms := 7220.0; ms <= 7300; ms += 20 {
		_, y := at(0, ms)
		fmt.Fprintf(&b, "<path stroke=\"#ddd\" d=\"M%d %dh%d\"/><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.2f s</text>\n", left, y, width, left-6, y+4, ms/1000)
	}
	for s := 0.0; s <= 80; s += 20 {
		x, _ := at(s, 7220)
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%.0f s</text>\n", x, top+height+18, s)
	}
	line := func(add float64, style string) {
		x0, y0 := at(0, 1000*(e.offset+add))
		x1, y1 := at(seconds, 1000*(e.offset+add+e.skew*1e-6*seconds))
		fmt.Fprintf(&b, "<path %s d=\"M%d %dL%d %d\"/>\n", style, x0, y0, x1, y1)
	}
	line(0, `stroke="#b3261e" stroke-width="2"`)
	line(e.uncertainty, `stroke="#b3261e" stroke-dasharray="4 4"`)
	line(-e.uncertainty, `stroke="#b3261e" stroke-dasharray="4 4"`)
	for i := range e.segments {
		s := &e.segments[i]
		if s.lost {
			continue
		}
		x, y := at(s.at[0], 1000*(s.at[1]-s.at[0]))
		colour := "#1f5fa8"
		if s.fromServer {
			colour = "#2b7a3d"
		}
		fmt.Fprintf(&b, "<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"%s\"/>\n", x, y, colour)
	}
	fmt.Fprintf(&b, "<g><text x=\"%d\" y=\"365\" fill=\"#1f5fa8\">to the server: later by the delay</text><text x=\"300\" y=\"365\" fill=\"#2b7a3d\">to the client: earlier by it</text>"+
		"<text x=\"480\" y=\"365\" fill=\"#b3261e\">the clock, and how far it is known</text></g>\n</svg>\n", left)
	return b.Bytes()
}
