package metamorphic

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/internal/waits"
)

// What a run shows besides changes nothing that it finds: --time, and --flow for each connection.
func TestTimeAndFlow(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) { checkFlags(t, plain.pcap(c.frames), 1) })
}

// The same for generated captures, and for paths that lose and delay, with servers that think.
func TestTimeAndFlow_generated(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		var b bytes.Buffer
		if _, err := tracegen.Write(&b, tracegen.Spec{Frames: 5_000, Flows: 50, Snap: 96, Seed: seed + 1, Faults: 1, Web: seed == 0}); err != nil {
			t.Fatal(err)
		}
		checkFlags(t, b.Bytes(), 40)
	}
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 11))
		taps := pathsim.Run(pathsim.Config{Seed: seed, OneWay: time.Duration(r.IntN(100)) * time.Millisecond, Loss: 0.1 * r.Float64() * float64(seed%2),
			NoStamp: r.IntN(2) == 0, NoID: r.IntN(4) == 0, Exchanges: 1 + r.IntN(3), Answer: 200 << r.IntN(12), Connections: 1 + r.IntN(3),
			Think:  time.Duration(r.IntN(3000)) * time.Millisecond,
			Inject: time.Duration(seed%3/2) * time.Duration(r.IntN(8000)) * time.Millisecond, MissNear: float64(seed%5/4) * 0.2, Late: float64(seed%7/6) * 0.1}).Taps
		checkFlags(t, pathsim.Pcap(taps[r.IntN(2)]), 1)
	}
}

// checkFlags wants a capture to have the same findings with --time, and with --flow for one of every so many connections.
func checkFlags(t *testing.T, file []byte, every int) {
	t.Helper()
	with := func(o engine.Options) *result.Report {
		o.Workers = 1
		rep, err := run([]string{"-"}, file, o)
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	rep := with(engine.Options{})
	want := found(rep)
	compare(t, want, found(with(engine.Options{Time: true})))
	for id := 1; id <= len(rep.Flows); id += every {
		for _, time := range []bool{false, true} {
			follow := &engine.Follow{ID: uint64(id), Step: func(result.Step) {}, Stretch: func(uint64, *waits.Stretch) {}}
			compare(t, want, found(with(engine.Options{Follow: follow, Time: time})))
		}
	}
}

// found is all that is said of the findings, with their IDs and limits.
func found(rep *result.Report) []string {
	a := summarise(rep, nil)
	for _, line := range a.exact {
		if strings.HasPrefix(line, "finding ") {
			a.findings = append(a.findings, line)
		}
	}
	return append(a.findings, fmt.Sprint(len(rep.Findings), " findings"))
}
