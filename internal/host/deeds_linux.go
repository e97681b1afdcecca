package host

import (
	"cmp"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
)

// deeds remembers what the kernel said about its own TCP in the last time: of each direction of
// a connection the first and the latest of each kind.
type deeds struct {
	reader        *tracepoints.Reader // nil if the kernel does not say it
	denied        bool                // the right to ask is missing
	young, former map[pair][]tracepoints.Event
}

const (
	maxPairs = 1 << 13 // of each generation
	maxEach  = 8       // of a kind, of one direction
)

// openDeeds begins to collect, if this process may: before it gives up its rights.
func openDeeds() *deeds {
	d := &deeds{young: map[pair][]tracepoints.Event{}}
	var err error
	d.reader, err = tracepoints.Open()
	d.denied = errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	return d
}

// collect reads what the kernel has said since.
func (d *deeds) collect() {
	if d.reader == nil {
		return
	}
	if err := d.reader.Read(d.add); err != nil {
		d.reader = nil
	}
}

func (d *deeds) add(e tracepoints.Event) {
	p := pair{e.Src, e.Dst}
	list, is := d.young[p]
	if !is {
		if len(d.young) == maxPairs {
			d.former, d.young = d.young, map[pair][]tracepoints.Event{}
		}
		list = d.former[p]
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
	d.young[p] = append(list, e)
}

// of is what the kernel did with segments of both directions, in order.
func (d *deeds) of(q question) (all []tracepoints.Event) {
	d.collect()
	for _, p := range []pair{{q.Local, q.Foreign}, {q.Foreign, q.Local}} {
		list, is := d.young[p]
		if !is {
			list = d.former[p]
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b tracepoints.Event) int { return cmp.Compare(a.At, b.At) })
	return all
}

// limits adds what is missing to the limits of the rest.
func (d *deeds) limits(rest []string) []string {
	switch {
	case !d.denied:
		return rest
	case len(rest) == 0:
		return []string{"Why the kernel sent RSTs and dropped segments could not be asked: that needs root, or CAP_BPF and CAP_PERFMON."}
	}
	rest = slices.Clone(rest)
	rest[0] += " The same is missing to ask why the kernel sent RSTs and dropped segments."
	return rest
}
