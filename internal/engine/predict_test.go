package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// Frames that are read together, and segments that are taken as predicted, leave the connection, its account and the report as
// the long way does: in all samples and recordings, and in generated captures.
func TestPredicted(t *testing.T) {
	for name, file := range predictable(t) {
		options := []Options{{Time: true}, {Detectors: []*detectors.Detector{}}} // and nobody reads events
		if strings.HasPrefix(name, "generated/") {                               // the others are many
			options = append(options, Options{})
		}
		for _, o := range options {
			got, gotConns := runWhole(t, o, file)
			o.longWay = true
			want, wantConns := runWhole(t, o, file)
			for position, c := range wantConns {
				if gotConns[position] != c {
					t.Errorf("%s: connection %d differs from that of the long way:\n got %+v\nwant %+v", name, position, gotConns[position], c)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the report differs from that of the long way", name)
			}
		}
	}
}

// predictable are captures of all samples, recordings and scenarios, and generated ones.
func predictable(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, pattern := range []string{"../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../../fsm/testdata/*.txtar", "../../samples/real/*.pcap"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("nothing matches %s: %v", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(name) == ".pcap" {
				files[name] = text
				continue
			}
			file, err := scenario.Parse(name, text)
			if err != nil {
				t.Fatal(err)
			}
			for i, trace := range file.Traces {
				if race.Leaves(i) {
					continue
				}
				if files[fmt.Sprintf("%s/%d", name, i+1)], err = trace.Pcapng(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	var err error
	for name, text := range map[string]string{"overtaken": overtaken, "drafted, and repeated": draftRepeated, "drafted, and revived": draftRevived, "drafted, and continued": draftContinued} {
		if files[name], err = scenario.Pcapng([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for i, spec := range []tracegen.Spec{
		{Frames: 10_000, Flows: 50, Snap: 96, Faults: 3, Seed: 1},
		{Frames: 10_000, Flows: 200, Loss: 0.05, Seed: 2},
		{Frames: 10_000, Flows: 200, Snap: 96, Web: true, Faults: 2, Seed: 3},
	} {
		var b bytes.Buffer
		if _, err := tracegen.Write(&b, spec); err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("generated/%d", i+1)] = b.Bytes()
	}
	return files
}

// overtaken has data whose window is older than that of an ACK with the same numbers.
const overtaken = `
0     client > server  S   0:0(0) win 8000 <mss 1460> {id 10}
+.01  server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+.01  client > server  .   1:1(0) ack 1 win 8000 {id 12}
+.01  client > server  P.  1:101(100) ack 1 win 9000 {id 11}
+.01  server > client  .   1:1(0) ack 101 win 8000
`

// draftRepeated has a handshake of which a recovery is reported. What comes then is not reported, and the finding does not speak of it.
const draftRepeated = `
0     client > server  S   0:0(0) win 8000 <mss 1460>
+.01  server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+1    server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+.01  client > server  .   1:1(0) ack 1 win 8000
+2    server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+.01  client > server  .   1:1(0) ack 1 win 8000
+1    server > client  R   1:1(0) win 0
`

// draftRevived has one in which the server ignores the client, and that is reported when it continues, after the client gave up. Then the
// client turns out not to have given up.
const draftRevived = `
0     client > server  S   0:0(0) win 8000 <mss 1460>
+.0005 server > client S.  0:0(0) ack 1 win 8000 <mss 1460>
+.0005 client > server .   1:1(0) ack 1 win 8000
+.01  client > server  P.  1:101(100) ack 1 win 8000
+1    server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+.01  client > server  P.  1:101(100) ack 1 win 8000
+2    server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+1    client > server  R.  101:101(0) ack 1 win 0
+.01  server > client  P.  1:11(10) ack 1 win 8000
+1    client > server  P.  101:201(100) ack 11 win 8000
`

// draftContinued has a RST after which its sender continues, and so does the peer.
const draftContinued = `
0     client > server  S   0:0(0) win 8000 <mss 1460>
+.01  server > client  S.  0:0(0) ack 1 win 8000 <mss 1460>
+.01  client > server  .   1:1(0) ack 1 win 8000
+.01  client > server  P.  1:101(100) ack 1 win 8000
+.01  server > client  .   1:1(0) ack 101 win 8000
+.1   server > client  R.  1:1(0) ack 101 win 0
+.1   client > server  P.  101:301(200) ack 1 win 8000
+.01  client > server  P.  301:501(200) ack 1 win 8000
`

// runWhole returns the report on a file, and all connections as they ended, by position.
func runWhole(t *testing.T, o Options, file []byte) (report any, conns map[uint64]fsm.Conn) {
	t.Helper()
	files, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	for _, err := range errs {
		t.Fatal(err)
	}
	defer files.Close()
	o.AllFlows, o.Workers = true, 1
	if o.Detectors == nil {
		o.Detectors = catalogue.All
	}
	o.defaults()
	pool := newPool(&o)
	src := Frames(context.Background(), files, &o)
	read(context.Background(), src, &o, pool, nil)
	conns = map[uint64]fsm.Conn{}
	for _, p := range pool.partitions() {
		for _, f := range p.flows.All() {
			conns[f.Position] = f.Conn
		}
	}
	r, _ := assemble(&o, statsOf(src, &o), pool.partitions(), nil)
	return strip(r), conns
}
