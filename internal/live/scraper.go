package live

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// A scraper answers the HTTP requests of Prometheus: GET /metrics, one for each connection
// (RFC 9112). It is not net/http's server, which brings TLS and HTTP/2, a quarter of the
// executable, for one page in plain text: docs/decisions/0013-metrics.md.
type scraper struct {
	listener net.Listener
	page     func() string
}

const (
	// maxAnswer is how long an answer may take. A loop that has ended does not answer.
	maxAnswer = 5 * time.Second
	// maxRequest is how long a request may be, in bytes.
	maxRequest = 8 << 10
	// acceptAgain is how long to wait after a connection that could not be accepted.
	acceptAgain = 100 * time.Millisecond
	// maxScrapers is how many are answered at a time. More wait.
	maxScrapers = 16
)

// serve answers requests until the listener is closed.
func (s *scraper) serve() {
	places := make(chan struct{}, maxScrapers)
	for {
		conn, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // there are no more descriptors, or the client has left
			time.Sleep(acceptAgain)
			continue
		}
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			defer conn.Close()
			now := time.Now()
			conn.SetReadDeadline(now.Add(maxAnswer))
			conn.SetWriteDeadline(now.Add(2 * maxAnswer))
			s.answer(conn)
		}()
	}
}

// answer reads a request and answers it. What comes after the request is read as well:
// closing a connection that has unread bytes resets it, and the answer is lost (RFC 2525
// 2.17).
func (s *scraper) answer(conn net.Conn) {
	status, body := s.respond(bufio.NewReader(io.LimitReader(conn, maxRequest)))
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
	if tcp, is := conn.(*net.TCPConn); is && tcp.CloseWrite() == nil {
		io.CopyN(io.Discard, conn, maxRequest)
	}
}

// respond is the answer to a request.
func (s *scraper) respond(request *bufio.Reader) (status, body string) {
	const malformed = "400 Bad Request"
	r := textproto.NewReader(request)
	line, err := r.ReadLine()
	words := strings.Split(line, " ")
	if err != nil || len(words) != 3 || !strings.HasPrefix(words[2], "HTTP/1.") {
		return malformed, ""
	}
	target, err := url.ParseRequestURI(words[1])
	if err != nil {
		return malformed, ""
	}
	header, err := r.ReadMIMEHeader()
	if err != nil || len(header["Host"]) > 1 {
		return malformed, ""
	}
	host := header.Get("Host")
	if target.Host != "" { // counts instead (RFC 9112 3.2.2)
		host = target.Host
	}
	switch {
	case !s.isFor(host):
		return "421 Misdirected Request", "these metrics are for this machine only\n"
	case target.Path != "/metrics":
		return "404 Not Found", "metrics are at /metrics\n"
	case words[0] != "GET":
		return "405 Method Not Allowed\r\nAllow: GET", ""
	}
	return "200 OK", s.page()
}

// isFor refuses requests for another host's name while the server listens on a
// loopback address: a page in a browser on this machine can point its own name here
// (DNS rebinding), and must not read the metrics.
func (s *scraper) isFor(host string) bool {
	if a, is := s.listener.Addr().(*net.TCPAddr); !is || !a.IP.IsLoopback() {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}
