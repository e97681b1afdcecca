package waits_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestJournal: an account that waits until it is needed, or is packed, is the one that it would have been, and
// detectors are told the same at the same segments, in every trace of the repository, of generated
// captures and of a bad path.
func TestJournal(t *testing.T) {
	j := journals{T: t}
	for _, f := range scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar", "../../fsm/testdata/*.txtar",
		"../metamorphic/testdata/*.txtar") {
		for i, tr := range f.Traces {
			j.compare(fmt.Sprint(f.Name, " ", i), tr.Segments())
		}
	}
	for _, pattern := range []string{"../../samples/real/*.pcap*", "../kernel/testdata/*.pcap*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			j.compare(name, segmentsOf(t, file))
		}
	}
	for seed := range uint64(2) {
		var b bytes.Buffer
		if _, err := tracegen.Write(&b, tracegen.Spec{Frames: 10_000, Flows: 100, Snap: 96, Seed: seed + 1, Faults: 1, Web: seed == 0}); err != nil {
			t.Fatal(err)
		}
		j.compare(fmt.Sprint("generated ", seed), segmentsOf(t, b.Bytes()))
	}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 16))
		segs := pathsim.Run(pathsim.Config{Seed: seed, OneWay: time.Duration(r.IntN(100)) * time.Millisecond, Loss: 0.1 * r.Float64() * float64(seed%2),
			NoStamp: r.IntN(2) == 0, Exchanges: 1 + r.IntN(3), Answer: 200 << r.IntN(10), Connections: 1 + r.IntN(3),
			Think: time.Duration(r.IntN(500)) * time.Millisecond}).Taps[r.IntN(2)]
		j.compare(fmt.Sprint("path ", seed), segs)
	}
	j.compare("large", few(t, 5, 20_000, 50*time.Millisecond))
	j.compare("long", few(t, 10, 1460, 120*time.Millisecond))
	if j.none < 100 || j.late < 100 || j.packed < 100 || j.told < 20 {
		t.Errorf("%d connections needed no account, %d got theirs late, %d had it packed, %d times something was told: too few to compare", j.none, j.late, j.packed, j.told)
	}
}

// few is an answer of n segments and the next request, too few segments for a journal to be full.
func few(t *testing.T, n, size int, pause time.Duration) []reassembly.Segment {
	t.Helper()
	text := nearServer + ".1 client > server P. 1:101(100) ack 1 win 64240\n"
	for i := range n {
		text += fmt.Sprintf("%.3f server > client . %d:%d(%d) ack 101 win 65160\n", (100*time.Millisecond + time.Duration(i)*pause).Seconds(), 1+i*size, 1+(i+1)*size, size)
	}
	text += fmt.Sprintf("%.3f client > server P. 101:201(100) ack %d win 64240\n", (time.Duration(n)*pause + time.Second/5).Seconds(), 1+n*size)
	tr, err := scenario.Parse("few", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return tr.Traces[0].Segments()
}

// journals compares accounts that are made at once with those that wait.
type journals struct {
	*testing.T
	none, late, packed, told int
}

// books are one connection, with its account.
type books struct {
	conn    fsm.Conn
	room    reassembly.Gaps
	ledger  *waits.Ledger
	account uint32
	at      int // number of the segment
	told    []any
}

func newBooks(eager bool) *books {
	b := &books{ledger: waits.NewLedger(false)}
	b.ledger.Eager = eager
	b.ledger.Exchange = func(_ uint32, x *detectors.Exchange) {
		if x.Response >= int64(detectors.PromptAnswer) {
			b.told = append(b.told, b.at, *x)
		}
	}
	b.ledger.Transfer = func(_ uint32, x *detectors.Transfer) {
		if x.Duration() >= 100_000_000 || x.Pause != 0 { // as the engine
			b.told = append(b.told, b.at, *x)
		}
	}
	return b
}

func (b *books) process(seg *reassembly.Segment) {
	_, fromLo := reassembly.KeyOf(seg)
	side := b.conn.SideOf(fromLo)
	var ev fsm.Events
	b.conn.Step(seg, side, &b.room, &ev)
	b.at++
	if b.account == 0 && seg.Len > 0 && !b.conn.Over() {
		b.account = b.ledger.Defer(1)
	}
	if b.account != 0 {
		b.account = b.ledger.Process(b.account, 1, seg, side, &ev, &b.conn)
	}
}

func (j *journals) compare(name string, segs []reassembly.Segment) {
	conns := map[reassembly.Key]*[4]*books{}
	var order []*[4]*books
	for i := range segs {
		seg := &segs[i]
		if seg.IsQuote() {
			continue
		}
		k, _ := reassembly.KeyOf(seg)
		if conns[k] == nil {
			conns[k] = &[4]*books{newBooks(true), newBooks(false), newBooks(false), newBooks(true)}
			conns[k][3].ledger.PackAlways = true
			for _, b := range conns[k] {
				b.conn.Begin(seg)
			}
			order = append(order, conns[k])
		}
		for _, b := range conns[k] {
			b.process(seg)
		}
	}
	for i, c := range order {
		j.closed(fmt.Sprintf("%s: connection %d", name, i+1), c, segs[len(segs)-1].At)
	}
}

// closed compares the account that is made at once with those that wait for the end, one of them
// until it must be one, and with one that is packed whenever it may be.
func (j *journals) closed(name string, c *[4]*books, end int64) {
	eager, late, settled, packed := c[0], c[1], c[2], c[3]
	if eager.account == 0 {
		return
	}
	if waits.Journalled(late.account) {
		j.none++
	} else {
		j.late++
	}
	settled.account = settled.ledger.Settle(settled.account)
	if got, want := settled.ledger.Account(settled.account), eager.ledger.Account(eager.account); *got != *want {
		j.Errorf("%s: an account that waited:\n%+v\none that did not:\n%+v", name, *got, *want)
	}
	if waits.Packed(packed.account) {
		j.packed++
	}
	packed.account = packed.ledger.Settle(packed.account)
	if got, want := packed.ledger.Account(packed.account), eager.ledger.Account(eager.account); *got != *want {
		j.Errorf("%s: an account that was packed:\n%+v\none that was not:\n%+v", name, *got, *want)
	}
	for _, b := range c {
		b.ledger.Close(b.account, end, end, &b.conn)
	}
	if !reflect.DeepEqual(late.told, eager.told) || !reflect.DeepEqual(settled.told, eager.told) || !reflect.DeepEqual(packed.told, eager.told) {
		j.Errorf("%s: told\n%+v\nwithout waiting\n%+v\nor packed\n%+v", name, late.told, eager.told, packed.told)
	}
	j.told += len(eager.told)
}

func segmentsOf(t *testing.T, file []byte) (segs []reassembly.Segment) {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if errs != nil {
		t.Fatal(errs)
	}
	defer trace.Close()
	frames := engine.Frames(context.Background(), trace, &engine.Options{})
	for {
		var seg reassembly.Segment
		if _, err := frames.Next(&seg); err == io.EOF {
			return segs
		} else if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, seg)
	}
}
