package live

import (
	"net"
	"net/http"
	"net/netip"
	"runtime/metrics"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// Metrics serves metrics of a live capture to Prometheus.
type Metrics struct {
	listener net.Listener
	server   http.Server
	registry *prometheus.Registry
	findings *prometheus.CounterVec
	lag      atomic.Int64 // nanoseconds
}

var (
	frames      = prometheus.NewDesc("tcptrace_frames_total", "Frames analysed.", nil, nil)
	drops       = prometheus.NewDesc("tcptrace_dropped_frames_total", "Frames that the kernel dropped.", nil, nil)
	connections = prometheus.NewDesc("tcptrace_connections", "Connections held in memory.", nil, nil)
	sockets     = prometheus.NewDesc("tcptrace_sockets", "Ends of these connections, by state.", []string{"state"}, nil)
	memory      = prometheus.NewDesc("tcptrace_memory_bytes", "Memory of the Go runtime, without the ring.", nil, nil)
	lag         = prometheus.NewDesc("tcptrace_lag_seconds", "Delay between the wire and the analysis.", nil, nil)
)

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
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tcptrace_findings_total",
			Help: "Findings reported. A finding whose outcome changes counts once for each outcome.",
		}, []string{"detector", "outcome", "verdict"}),
	}
	m.registry.MustRegister(m.findings)
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
	m.registry.MustRegister(collector{m, l})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: maxAnswer}))
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
	m.findings.WithLabelValues(f.Detector, f.Outcome, f.Verdict.String()).Inc()
}

// A collector asks the loop, because only that may look at the connections.
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
	case <-time.After(maxAnswer):
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

// heldMemory is the memory that the Go runtime has from the system, in bytes.
func heldMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
