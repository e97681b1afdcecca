package kernel

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/internal/tracepoints"
)

// A tracer knows what the kernel says about itself: for which reason it sent a RST, what it
// sent again, and why it dropped a segment. That is of all network namespaces: tests tell
// connections apart by their ports.
type tracer struct {
	mu     sync.Mutex
	reader *tracepoints.Reader
	tuples map[fourTuple][]tracepoints.Event
	failed error
}

// A fourTuple is a direction of a connection.
type fourTuple struct{ src, dst netip.AddrPort }

// newTracer begins to collect, or says why it cannot.
func newTracer(t *testing.T) (*tracer, error) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "tcptrace-tracepoints.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	t.Cleanup(func() { lock.Close() })
	must(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX)) // another run's connections have the same ports
	r, err := tracepoints.Open()
	if err != nil {
		return nil, err
	}
	t.Cleanup(r.Close)
	k := &tracer{reader: r, tuples: map[fourTuple][]tracepoints.Event{}}
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		k.drain(done)
	}()
	t.Cleanup(func() { close(done); <-gone })
	return k, nil
}

// drain reads all the time, so that the events of a busy machine find room.
func (k *tracer) drain(done chan struct{}) {
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-done:
			tick.Stop()
			return
		case <-tick.C:
			k.mu.Lock()
			k.read()
			k.mu.Unlock()
		}
	}
}

// of are the events of one direction of a connection up to now. A kernel reports before what
// it reports can be seen elsewhere.
func (k *tracer) of(src, dst netip.AddrPort) []tracepoints.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read()
	return slices.Clone(k.tuples[fourTuple{src, dst}])
}

func (k *tracer) read() {
	err := k.reader.Read(func(e tracepoints.Event) {
		t := fourTuple{e.Src, e.Dst}
		k.tuples[t] = append(k.tuples[t], e)
	})
	if err != nil {
		k.failed = err
	}
}

// lost reports whether events are missing.
func (k *tracer) lost() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.failed != nil || k.reader.Lost() > 0
}

// untold is how many events there were that this does not know: passed over, or without room.
func (k *tracer) untold() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reader.Missed() + k.reader.Lost()
}

// kind selects events of a kind.
func ofKind(events []tracepoints.Event, kind tracepoints.Kind) (list []tracepoints.Event) {
	for _, e := range events {
		if e.Kind == kind {
			list = append(list, e)
		}
	}
	return list
}
