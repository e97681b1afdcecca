package engine

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// That connections are compacted changes nothing, whenever they are: the connections and the report
// are the same.
func TestCompact(t *testing.T) {
	compacted := 0
	for name, file := range predictable(t) {
		want, wantFlows, _ := runCompacting(t, Options{compact: compactNever}, file)
		for _, time := range []bool{false, true} {
			all, _, _ := runCompacting(t, Options{compact: compactNever, AllFlows: true, Time: time}, file)
			if got, _, _ := runCompacting(t, Options{compact: compactAtOnce, AllFlows: true, Time: time}, file); !reflect.DeepEqual(got, all) {
				t.Errorf("%s: the report of all connections, with accounts %t, differs where they are compacted", name, time)
			}
		}
		for _, policy := range []compactPolicy{compactAtOnce, compactLater} {
			got, gotFlows, n := runCompacting(t, Options{compact: policy}, file)
			compacted += n
			for position, f := range wantFlows {
				if g := gotFlows[position]; g.Conn != f.Conn || g.Duplicates() != f.Duplicates() {
					t.Fatalf("%s: connection %d differs from one that never was compacted:\n got %+v\nwant %+v", name, position, g.Conn, f.Conn)
				}
			}
			if len(gotFlows) != len(wantFlows) || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the report differs where connections are compacted", name)
			}
		}
	}
	if compacted < 500 {
		t.Errorf("%d connections compacted in the end", compacted)
	}
}

// Where there is no room for all, those that have closed leave first, compacted or not.
func TestCompact_evicted(t *testing.T) {
	var b bytes.Buffer
	if _, err := tracegen.Write(&b, tracegen.Spec{Frames: 40_000, Flows: 100, Web: true, Snap: 96, Seed: 5}); err != nil {
		t.Fatal(err)
	}
	for _, policy := range []compactPolicy{compactNever, compactLater, compactAtOnce} {
		all, _, _ := runCompacting(t, Options{compact: policy}, b.Bytes())
		some, flows, _ := runCompacting(t, Options{compact: policy, MaxFlows: 8 * partitions}, b.Bytes())
		total, kept := all.([]any)[0].(result.Totals), some.([]any)[0].(result.Totals)
		if kept.Flows < total.Flows || kept.EvictedFlows != kept.Flows-uint64(len(flows)) || len(flows) > 8*partitions {
			t.Errorf("policy %d: %d connections, %d evicted, %d held at last; want at least %d connections", policy, kept.Flows, kept.EvictedFlows, len(flows), total.Flows)
		}
	}
}

// runCompacting returns the report on a file, all connections as they ended, by position, and
// how many compacted in the end.
func runCompacting(t *testing.T, o Options, file []byte) (report any, flows map[uint64]flow.Flow, compacted int) {
	t.Helper()
	files, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	for _, err := range errs {
		t.Fatal(err)
	}
	defer files.Close()
	o.Detectors, o.Workers = catalogue.All, 1
	o.defaults()
	pool := newPool(&o)
	src := Frames(context.Background(), files, &o)
	read(context.Background(), src, &o, pool, nil)
	flows = map[uint64]flow.Flow{}
	for _, p := range pool.partitions() {
		for id, f := range p.flows.All() {
			flows[f.Position] = *f
			if id == flow.New {
				compacted++
			}
		}
	}
	r, _ := assemble(&o, statsOf(src, &o), pool.partitions(), nil)
	return strip(r), flows, compacted
}
