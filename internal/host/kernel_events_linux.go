package host

import (
	"cmp"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
)

// kernelEvents remembers what the kernel said about its own TCP in the last time: of each direction of
// a connection the first and the latest of each kind.
type kernelEvents struct {
	reader     *tracepoints.Reader // nil if the kernel does not say it
	denied     bool                // the right to ask is missing
	young, old map[pair][]tracepoints.Event
}

const (
	maxPairs = 1 << 13 // of each generation
	maxEach  = 8       // of a kind, of one direction
)

// openKernelEvents begins to collect, if this process may: before it gives up its rights.
func openKernelEvents() *kernelEvents {
	k := &kernelEvents{young: map[pair][]tracepoints.Event{}}
	var err error
	k.reader, err = tracepoints.Open()
	k.denied = errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	return k
}

// collect reads what the kernel has said since.
func (k *kernelEvents) collect() {
	if k.reader == nil {
		return
	}
	if err := k.reader.Read(k.add); err != nil {
		k.reader = nil
	}
}

func (k *kernelEvents) add(e tracepoints.Event) {
	p := pair{e.Src, e.Dst}
	list, is := k.young[p]
	if !is {
		if len(k.young) == maxPairs {
			k.old, k.young = k.young, map[pair][]tracepoints.Event{}
		}
		list = k.old[p]
	}
	same := 0
	for i := range list {
		if list[i].Kind == e.Kind {
			same++
		}
	}
	if same == maxEach { // the first says what began
		second := slices.IndexFunc(list, func(x tracepoints.Event) bool { return x.Kind == e.Kind }) + 1
		i := second + slices.IndexFunc(list[second:], func(x tracepoints.Event) bool { return x.Kind == e.Kind })
		list = slices.Delete(list, i, i+1)
	}
	k.young[p] = append(list, e)
}

// of is what the kernel did with segments of both directions, in order.
func (k *kernelEvents) of(q question) (all []tracepoints.Event) {
	k.collect()
	for _, p := range []pair{{q.Local, q.Foreign}, {q.Foreign, q.Local}} {
		list, is := k.young[p]
		if !is {
			list = k.old[p]
		}
		all = append(all, list...)
	}
	sorting.Stable(all, func(a, b tracepoints.Event) int { return cmp.Compare(a.At, b.At) })
	return all
}

// limits adds what is missing to the limits of the rest.
func (k *kernelEvents) limits(rest []string) []string {
	switch {
	case !k.denied:
		return rest
	case len(rest) == 0:
		return []string{"Why the kernel sent RSTs and dropped segments could not be asked: that needs root, or CAP_BPF and CAP_PERFMON."}
	}
	rest = slices.Clone(rest)
	rest[0] += " The same is missing to ask why the kernel sent RSTs and dropped segments."
	return rest
}
