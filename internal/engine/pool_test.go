package engine

import (
	"bytes"
	"context"
	"reflect"
	"runtime"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// On one processor there is no second goroutine, and the report is the same.
func TestPool_oneProcessor(t *testing.T) {
	var b bytes.Buffer
	if _, err := tracegen.Write(&b, tracegen.Spec{Frames: 20_000, Flows: 300, Web: true, Snap: 96, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	run := func(workers int) any {
		trace, _ := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(b.Bytes())})
		defer trace.Close()
		return Run(context.Background(), trace, Options{Detectors: catalogue.All, Workers: workers, AllFlows: true})
	}
	want := run(3)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if p := newPool(&Options{}); !p.alone {
		t.Error("there is a goroutine for the worker")
	}
	if !reflect.DeepEqual(run(0), want) {
		t.Error("the report is another than that of three workers")
	}
}
