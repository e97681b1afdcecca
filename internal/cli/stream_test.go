package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// The FIN of the first connection is never sent again, as is certain when the second
// connection's frames have come. The pipe stays open.
const piped = `
0.0 client > server S  0:0(0) win 64240
+.1 server > client S. 0:0(0) ack 1 win 65160
+.1 client > server .  1:1(0) ack 1 win 64240
+.1 server > client F. 1:1(0) ack 1 win 65160
+5  client > server .  1:1(0) ack 1 win 64240
host client2 10.0.0.3:1000
+30 client2 > server S  0:0(0) win 64240
+.1 server > client2 R. 0:0(0) ack 1 win 0
+2  client2 > server S  9:9(0) win 64240
`

// A finding from a pipe is printed while the pipe is open, in text and ndjson.
func TestRun_pipe(t *testing.T) {
	whole, err := scenario.Pcapng([]byte(piped))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"text", "ndjson"} {
		t.Run(format, func(t *testing.T) {
			in, feed, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			out, stdout, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			status := make(chan int, 1)
			go func() {
				status <- Run(Env{Args: []string{"--format", format, "-"}, Stdin: in, Stdout: stdout, Stderr: io.Discard, Detectors: catalogue.All})
				stdout.Close()
			}()
			if _, err := feed.Write(whole); err != nil {
				t.Fatal(err)
			}
			late := time.AfterFunc(20*time.Second, func() { // the finding did not come: end the test
				t.Error("nothing was printed while the pipe was open")
				feed.Close()
			})
			lines := bufio.NewReader(out)
			line := ""
			for !strings.Contains(line, "unretransmitted-fin") && err == nil {
				line, err = lines.ReadString('\n')
			}
			late.Stop()
			feed.Close()
			rest, _ := io.ReadAll(lines)
			if got := <-status; got != 1 {
				t.Errorf("exit status %d", got)
			}
			if format == "ndjson" {
				checkFlows(t, append([]byte(line), rest...))
			} else if !bytes.Contains(rest, []byte("1 file: ")) {
				t.Errorf("no closing report:\n%s", rest)
			}
		})
	}
}

// checkFlows: the flow of each finding is the number of a connection's line, and its last
// line is final.
func checkFlows(t *testing.T, lines []byte) {
	type line struct {
		Type, ID string
		Flow     int
		Final    bool
	}
	flows, final := map[int]bool{}, map[string]line{}
	for l := range bytes.Lines(lines) {
		var x line
		if err := json.Unmarshal(l, &x); err != nil {
			var f struct {
				Type string
				ID   int
			}
			if json.Unmarshal(l, &f) == nil && f.Type == "flow" {
				flows[f.ID] = true
			}
			continue
		}
		if x.Type == "finding" {
			final[x.ID] = x
		}
	}
	if len(final) == 0 {
		t.Error("no findings")
	}
	for id, f := range final {
		if !f.Final || !flows[f.Flow] {
			t.Errorf("finding %s: final %t, of connection %d, whose line is missing: %v", id, f.Final, f.Flow, flows)
		}
	}
}
