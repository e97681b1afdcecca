package live

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	runtime "runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Metrics serves metrics of a live capture to Prometheus.
type Metrics struct {
	listener net.Listener
	server   http.Server
	findings *metrics.Set // a counter for each detector, outcome and verdict
	lag      atomic.Int64 // nanoseconds
}

// ListenMetrics listens at an address for Serve: HOST:PORT, or :PORT for this
// machine only.
func ListenMetrics(addr string) (*Metrics, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	m := &Metrics{findings: metrics.NewSet()}
	if m.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
		return nil, err
	}
	return m, nil
}

// Addr is the address of the metrics.
func (m *Metrics) Addr() net.Addr { return m.listener.Addr() }

// Serve answers requests at /metrics until Close.
func (m *Metrics) Serve(l *Loop) {
	l.Ticked = m.lag.Store
	metrics.ExposeMetadata(true)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		m.collect(l).WritePrometheus(w)
		m.findings.WritePrometheus(w)
	})
	m.server = http.Server{Handler: m.forHost(mux), ReadTimeout: maxAnswer, WriteTimeout: 2 * maxAnswer, MaxHeaderBytes: 8 << 10}
	go m.server.Serve(m.listener)
}

// forHost refuses requests for another host's name while the server listens on a
// loopback address: a page in a browser on this machine can point its own name here
// (DNS rebinding), and must not read the metrics.
func (m *Metrics) forHost(h http.Handler) http.Handler {
	if a, is := m.Addr().(*net.TCPAddr); !is || !a.IP.IsLoopback() {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if !strings.EqualFold(host, "localhost") && (err != nil || !addr.IsLoopback()) {
			http.Error(w, "these metrics are for this machine only", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// maxAnswer is how long an answer may take. A loop that has ended does not answer.
const maxAnswer = 5 * time.Second

// Close stops the server.
func (m *Metrics) Close() error { return m.server.Close() }

// Count counts a finding that is new, or whose outcome or verdict has changed: each
// revision once.
func (m *Metrics) Count(f *result.Finding) {
	m.findings.GetOrCreateCounter(fmt.Sprintf("tcptrace_findings_total{detector=%q,outcome=%q,verdict=%q}", f.Detector, f.Outcome, f.Verdict)).Inc()
}

// collect measures now. What only the loop knows is left out if it does not answer in
// time.
func (m *Metrics) collect(l *Loop) *metrics.Set {
	gauge := func(s *metrics.Set, name string, value float64) { s.NewGauge(name, func() float64 { return value }) }
	answer := make(chan *metrics.Set, 1)
	l.Ask(func(l *Loop) {
		s := metrics.NewSet()
		s.NewCounter("tcptrace_frames_total").Set(l.frames)
		s.NewCounter("tcptrace_dropped_frames_total").Set(l.drops)
		gauge(s, "tcptrace_connections", float64(l.Engine.Connections()))
		for state, n := range l.Engine.Sockets(max(l.now, l.last)) {
			gauge(s, fmt.Sprintf("tcptrace_sockets{state=%q}", state), float64(n))
		}
		answer <- s
	})
	var s *metrics.Set
	select {
	case s = <-answer:
	case <-time.After(maxAnswer):
		s = metrics.NewSet()
	}
	gauge(s, "tcptrace_memory_bytes", float64(heldMemory()))
	gauge(s, "tcptrace_lag_seconds", time.Duration(m.lag.Load()).Seconds())
	return s
}

// heldMemory is the memory that the Go runtime has from the system, in bytes.
func heldMemory() uint64 {
	samples := []runtime.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtime.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
