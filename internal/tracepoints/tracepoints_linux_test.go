package tracepoints

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

// TestReader: a refused connection is a RST with its reason, and the SYN that it answers.
func TestReader(t *testing.T) {
	r, err := Open()
	if err != nil {
		if os.Geteuid() == 0 {
			t.Log("the kernel's words are not compared:", err)
		}
		t.Skipf("skipped: %v", err)
	}
	defer r.Close()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().(*net.TCPAddr).AddrPort()
	l.Close()
	before := time.Now().UnixNano()
	if c, err := net.Dial("tcp4", closed.String()); err == nil {
		c.Close()
		t.Skip("skipped: somebody else listens there by now")
	}
	var got []Event
	if err := r.Read(func(e Event) {
		if e.Kind == SentReset && e.Src == closed {
			got = append(got, e)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Fatalf("%d RSTs from %v, want 1: %v", len(got), closed, got)
	}
	const syn = 2
	e := got[0]
	if e.Reason != "NO_SOCKET" || !e.HasSegment || e.Flags&0x3f != syn || e.Dst.Addr() != netip.MustParseAddr("127.0.0.1") || e.At < before || e.At > time.Now().UnixNano() {
		t.Errorf("the RST is %+v", e)
	}
	if n := r.Lost(); n != 0 {
		t.Errorf("%d events were lost", n)
	}
}

// TestReader_closedSocket: a socket that closes with data unread has given back its port when it
// sends the RST, and is known all the same.
func TestReader_closedSocket(t *testing.T) {
	r, err := Open()
	if err != nil {
		t.Skipf("skipped: %v", err)
	}
	defer r.Close()
	for _, network := range []string{"tcp4", "tcp6"} {
		l, err := net.Listen(network, "localhost:0")
		if err != nil {
			t.Logf("%s is not tested: %v", network, err)
			continue
		}
		client, err := net.Dial(network, l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if _, err := server.Read(make([]byte, 1)); err != nil { // the rest has come, too
			t.Fatal(err)
		}
		server.Close()
		_, _ = client.Read(make([]byte, 1)) // ends with the RST
		client.Close()
		l.Close()
		from, to := server.LocalAddr().(*net.TCPAddr).AddrPort(), client.LocalAddr().(*net.TCPAddr).AddrPort()
		found := false
		if err := r.Read(func(e Event) {
			found = found || e.Kind == SentReset && e.Src == from && e.Dst == to && e.Reason == "TCP_ABORT_ON_CLOSE"
		}); err != nil {
			t.Fatal(err)
		}
		if !found {
			t.Errorf("no RST from %v to %v", from, to)
		}
	}
}
