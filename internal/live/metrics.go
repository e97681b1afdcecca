package live

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	runtime "runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Metrics serves metrics of a live capture to Prometheus.
type Metrics struct {
	scraper
	lag atomic.Int64 // nanoseconds

	mu       sync.Mutex
	findings map[string]uint64 // by their labels
}

// ListenMetrics listens at an address for Serve: HOST:PORT, or :PORT for this
// machine only.
func ListenMetrics(addr string) (*Metrics, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port))
	if err != nil {
		return nil, err
	}
	return &Metrics{scraper: scraper{listener: listener}, findings: map[string]uint64{}}, nil
}

// Addr is the address of the metrics.
func (m *Metrics) Addr() net.Addr { return m.listener.Addr() }

// Serve answers requests at /metrics until Close.
func (m *Metrics) Serve(l *Loop) {
	l.Ticked = m.lag.Store
	m.page = func() string { return m.ofLoop(l) + m.own() }
	go m.serve()
}

// Close stops the server.
func (m *Metrics) Close() error { return m.listener.Close() }

// Count counts a finding that is new, or whose outcome or verdict has changed: each
// revision once.
func (m *Metrics) Count(f *result.Finding) {
	m.mu.Lock()
	m.findings[fmt.Sprintf("{detector=%q,outcome=%q,verdict=%q}", f.Detector, f.Outcome, f.Verdict)]++
	m.mu.Unlock()
}

// An exposition is metrics in Prometheus' text format, version 0.0.4.
type exposition struct{ strings.Builder }

// metric begins one: its values follow.
func (e *exposition) metric(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// value is a value of the metric, with its labels.
func (e *exposition) value(name string, value any) { fmt.Fprintf(e, "%s %v\n", name, value) }

// ofLoop is what only the loop knows. It is left out if the loop does not answer in time, as
// after its end.
func (m *Metrics) ofLoop(l *Loop) string {
	answer := make(chan string, 1)
	l.Ask(func(l *Loop) {
		var e exposition
		e.metric("tcptrace_frames_total", "counter", "Frames analysed.")
		e.value("tcptrace_frames_total", l.frames)
		e.metric("tcptrace_dropped_frames_total", "counter", "Frames dropped by the kernel.")
		e.value("tcptrace_dropped_frames_total", l.drops)
		e.metric("tcptrace_connections", "gauge", "Current connections.")
		e.value("tcptrace_connections", l.Engine.Connections())
		e.metric("tcptrace_sockets", "gauge", "Ends of current connections, by state.")
		sockets := l.Engine.Sockets(max(l.now, l.last))
		for _, state := range slices.Sorted(maps.Keys(sockets)) {
			e.value(fmt.Sprintf("tcptrace_sockets{state=%q}", state), sockets[state])
		}
		answer <- e.String()
	})
	select {
	case text := <-answer:
		return text
	case <-time.After(maxAnswer):
		return ""
	}
}

// own is what is known without the loop.
func (m *Metrics) own() string {
	var e exposition
	e.metric("tcptrace_memory_bytes", "gauge", "Memory of the Go runtime, without the ring.")
	e.value("tcptrace_memory_bytes", heldMemory())
	e.metric("tcptrace_lag_seconds", "gauge", "Delay between capture and analysis.")
	e.value("tcptrace_lag_seconds", time.Duration(m.lag.Load()).Seconds())
	e.metric("tcptrace_findings_total", "counter", "Findings. One whose outcome changes counts once for each outcome.")
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, labels := range slices.Sorted(maps.Keys(m.findings)) {
		e.value("tcptrace_findings_total"+labels, m.findings[labels])
	}
	return e.String()
}

// heldMemory is the memory that the Go runtime has from the system, in bytes.
func heldMemory() uint64 {
	samples := []runtime.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtime.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
