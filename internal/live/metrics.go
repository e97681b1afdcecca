package live

import (
	"net"
	"net/http"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Metrics are what a live capture tells Prometheus.
type Metrics struct {
	listener net.Listener
	server   http.Server
	registry *prometheus.Registry
	findings *prometheus.CounterVec
	lag      atomic.Int64 // nanoseconds
}

var (
	frames      = prometheus.NewDesc("tcptrace_frames_total", "Frames judged.", nil, nil)
	drops       = prometheus.NewDesc("tcptrace_dropped_frames_total", "Frames that the kernel had no room for.", nil, nil)
	connections = prometheus.NewDesc("tcptrace_connections", "Connections held in memory.", nil, nil)
	sockets     = prometheus.NewDesc("tcptrace_sockets", "Ends of these connections, by state.", []string{"state"}, nil)
	memory      = prometheus.NewDesc("tcptrace_memory_bytes", "Memory that the Go runtime holds, without the ring.", nil, nil)
	lag         = prometheus.NewDesc("tcptrace_lag_seconds", "How far the judging is behind the wire.", nil, nil)
)

// ListenMetrics opens the address of Serve: HOST:PORT, or :PORT for this machine
// alone.
func ListenMetrics(addr string) (*Metrics, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tcptrace_findings_total",
			Help: "Findings told. One whose outcome changed counts under each.",
		}, []string{"detector", "outcome", "verdict"}),
	}
	m.registry.MustRegister(m.findings)
	if m.listener, err = net.Listen("tcp", net.JoinHostPort(host, port)); err != nil {
		return nil, err
	}
	return m, nil
}

// Addr is where the metrics are.
func (m *Metrics) Addr() net.Addr { return m.listener.Addr() }

// Serve answers until Close, at /metrics.
func (m *Metrics) Serve(l *Loop) {
	l.Ticked = m.lag.Store
	m.registry.MustRegister(collector{m, l})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: patience}))
	m.server = http.Server{Handler: mux, ReadTimeout: patience, WriteTimeout: 2 * patience, MaxHeaderBytes: 8 << 10}
	go m.server.Serve(m.listener)
}

// patience is how long a question may take. A loop that has ended answers none.
const patience = 5 * time.Second

// Close stops answering.
func (m *Metrics) Close() error { return m.server.Close() }

// Tell counts a finding that is new, or has another outcome or verdict than
// before: its revision is one that was not told yet.
func (m *Metrics) Tell(f *result.Finding) {
	m.findings.WithLabelValues(f.Detector, f.Outcome, f.Verdict.String()).Inc()
}

// A collector asks the loop, which alone may look at the connections.
type collector struct {
	m    *Metrics
	loop *Loop
}

func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{frames, drops, connections, sockets, memory, lag} {
		to <- d
	}
}

func (c collector) Collect(to chan<- prometheus.Metric) {
	answer := make(chan []prometheus.Metric, 1)
	c.loop.Ask(func(l *Loop) { answer <- measure(l) })
	select {
	case values := <-answer:
		for _, v := range values {
			to <- v
		}
	case <-time.After(patience):
	}
	to <- prometheus.MustNewConstMetric(memory, prometheus.GaugeValue, float64(heldMemory()))
	to <- prometheus.MustNewConstMetric(lag, prometheus.GaugeValue, time.Duration(c.m.lag.Load()).Seconds())
}

func measure(l *Loop) []prometheus.Metric {
	counter := func(d *prometheus.Desc, n uint64) prometheus.Metric {
		return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	gauge := func(d *prometheus.Desc, n int, labels ...string) prometheus.Metric {
		return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	values := []prometheus.Metric{counter(frames, l.frames), counter(drops, l.drops), gauge(connections, l.Engine.Connections())}
	for state, n := range l.Engine.Sockets(max(l.now, l.last)) {
		values = append(values, gauge(sockets, n, state.String()))
	}
	return values
}

// heldMemory is what the Go runtime has from the system and not given back.
func heldMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
