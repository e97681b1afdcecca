package live

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A browser that was given a name for 127.0.0.1 must not read the metrics; an address
// that is not this machine's alone answers everybody.
func TestMetrics_host(t *testing.T) {
	for _, c := range []struct {
		listen, host string
		status       int
	}{
		{"127.0.0.1:0", "127.0.0.1:9100", http.StatusOK},
		{"127.0.0.1:0", "localhost:9100", http.StatusOK},
		{"127.0.0.1:0", "[::1]:9100", http.StatusOK},
		{"127.0.0.1:0", "127.0.0.1", http.StatusOK},
		{"127.0.0.1:0", "evil.example:9100", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "192.0.2.1:9100", http.StatusMisdirectedRequest},
		{"127.0.0.1:0", "", http.StatusMisdirectedRequest},
		{"0.0.0.0:0", "collector.example:9100", http.StatusOK},
	} {
		m, err := ListenMetrics(c.listen)
		if err != nil {
			t.Fatal(err)
		}
		h := m.forHost(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		r := httptest.NewRequest("GET", "/metrics", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("at %s, a request for %q gets %d, want %d", c.listen, c.host, w.Code, c.status)
		}
		m.listener.Close()
	}
}
