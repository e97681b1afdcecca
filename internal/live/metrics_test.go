package live

import (
	"bufio"
	"fmt"
	"github.com/tcptrace-go/tcptrace/detectors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// scraped is a page of metrics at an address.
func scraped(t *testing.T, listen string) *Metrics {
	t.Helper()
	m, err := ListenMetrics(listen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.page = m.own
	go m.serve()
	return m
}

// ask sends a request as it is, and reads the answer as net/http does.
func ask(t *testing.T, m *Metrics, request string) (*http.Response, string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(m.Addr().String())
	conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	return answer, string(body)
}

// A browser that was given a name for 127.0.0.1 must not read the metrics; an address
// that is not this machine's alone answers everybody.
func TestMetrics_host(t *testing.T) {
	for _, c := range []struct {
		listen, host string
		status       int
	}{
		{":0", "127.0.0.1:9100", http.StatusOK},
		{"127.0.0.1:0", "localhost:9100", http.StatusOK},
		{"127.0.0.1:0", "[::1]:9100", http.StatusOK},
		{"127.0.0.1:0", "127.0.0.1", http.StatusOK},
		{"127.0.0.1:0", "evil.example:9100", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "192.0.2.1:9100", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "", http.StatusMisdirectedRequest},
		{"0.0.0.0:0", "collector.example:9100", http.StatusOK},
	} {
		m := scraped(t, c.listen)
		if answer, _ := ask(t, m, "GET /metrics HTTP/1.1\r\nHost: "+c.host+"\r\n\r\n"); answer.StatusCode != c.status {
			t.Errorf("at %s, a request for %q gets %d, want %d", c.listen, c.host, answer.StatusCode, c.status)
		}
	}
}

func TestMetrics_requests(t *testing.T) {
	m := scraped(t, ":0")
	const host = "Host: localhost\r\n\r\n"
	for request, status := range map[string]int{
		"GET /metrics?x=1 HTTP/1.0\r\n" + host:                                     http.StatusOK,
		"GET http://localhost/metrics HTTP/1.1\r\n" + host:                         http.StatusOK,
		"GET http://evil.example/metrics HTTP/1.1\r\n" + host:                      http.StatusMisdirectedRequest,
		"GET / HTTP/1.1\r\n" + host:                                                http.StatusNotFound,
		"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n" + host + "abc":           http.StatusMethodNotAllowed,
		"GET /metrics\r\n" + host:                                                  http.StatusBadRequest,
		"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + host:                      http.StatusBadRequest,
		"GET /metrics HTTP/1.1\r\nno header\r\n" + host:                            http.StatusBadRequest,
		"GET /" + strings.Repeat("x", 2*maxRequest) + " HTTP/1.1\r\n" + host:       http.StatusBadRequest,
		"GET /metrics HTTP/1.1\r\nX: " + strings.Repeat("x", maxRequest) + "\r\n":  http.StatusBadRequest,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a client that wants TLS\r\n": http.StatusBadRequest,
	} {
		if answer, _ := ask(t, m, request); answer.StatusCode != status {
			t.Errorf("%.60q gets %d, want %d", request, answer.StatusCode, status)
		}
	}
}

// What a client of net/http reads is Prometheus' text format, sorted.
func TestMetrics_text(t *testing.T) {
	m := scraped(t, ":0")
	for _, outcome := range []string{"reset", "aborted", "reset"} {
		f := &result.Finding{Finding: new(detectors.Finding)}
		f.Detector, f.Outcome = "a-detector", outcome
		m.Count(f)
	}
	answer, err := http.Get(fmt.Sprintf("http://%v/metrics", m.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if kind := answer.Header.Get("Content-Type"); kind != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("Content-Type: %s", kind)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(body), "\n")
	i := slices.Index(lines, "# TYPE tcptrace_findings_total counter")
	if i < 0 || !slices.Equal(lines[i+1:], []string{
		`tcptrace_findings_total{detector="a-detector",outcome="aborted",verdict="seen"} 1`,
		`tcptrace_findings_total{detector="a-detector",outcome="reset",verdict="seen"} 2`, ""}) {
		t.Errorf("metrics are\n%s", body)
	}
}
