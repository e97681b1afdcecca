package sockets

import (
	"fmt"
	"github.com/tcptrace-go/tcptrace/detectors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

func endpoint(s string) reassembly.Endpoint {
	return reassembly.EndpointFrom(netip.MustParseAddrPort(s))
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(seconds float64) int64 { return start.UnixNano() + int64(seconds*1e9) }

// joined joins records to a connection that is ESTABLISHED from second 0 on, is left in
// CLOSE_WAIT at the server by second 10, and in a capture that ends at second 60.
func joined(t *testing.T, ss string, edit func(*result.Flow)) (*result.Report, []string) {
	t.Helper()
	f := result.Flow{ID: 1, Conn: 1, End: [2]reassembly.Endpoint{endpoint("10.0.0.1:40000"), endpoint("10.0.0.2:443")}, Initiator: result.InitiatorA, First: at(0), Last: at(10)}
	if edit != nil {
		edit(&f)
	}
	r := &result.Report{Options: result.Options{TimeWait: 60e9}, Trace: result.Span{First: at(0), Last: at(60), End: at(60)}, Flows: []result.Flow{f}}
	r.Findings = []result.Finding{{Finding: new(detectors.Finding), Flow: &r.Flows[0]}}
	r.Findings[0].End = at(50)
	log, err := Parse(strings.NewReader(ss), Options{})
	if err != nil {
		t.Fatal(err)
	}
	j := NewJoin(r, []*Log{log})
	for _, s := range []struct {
		at    float64
		state [2]fsm.State
	}{{0, [2]fsm.State{fsm.Established, fsm.Established}}, {10, [2]fsm.State{fsm.FinWait2, fsm.CloseWait}}} {
		if j.Conns()[1] {
			j.Step(result.Step{Conn: 1, Seg: reassembly.Segment{At: at(s.at)}, State: s.state, Bounded: [2]bool{false, true}})
		}
	}
	j.Close()
	var notes []string
	for _, n := range r.Notes[1:] { // the first counts
		notes = append(notes, n.Message)
	}
	return r, notes
}

// record is what ss printed at a second, of the server.
func record(seconds float64, lines ...string) string {
	return fmt.Sprintf("%d.%09d\nState\n%s\n", at(seconds)/1e9, at(seconds)%1e9, strings.Join(lines, "\n"))
}

const (
	established = "ESTAB 0 0 10.0.0.2:443 10.0.0.1:40000 ino:1"
	closeWait   = "CLOSE-WAIT 5 0 10.0.0.2:443 10.0.0.1:40000 ino:1"
	other       = "ESTAB 0 0 10.0.0.2:443 10.0.0.9:40000 ino:2"
)

// TestJoin_agreement has records on both sides of each limit.
func TestJoin_agreement(t *testing.T) {
	for _, c := range []struct {
		name, ss, note string
	}{
		{"the same", record(5, established) + record(20, closeWait), ""},
		{"ss took almost a second", record(9.1, closeWait), ""},
		{"the FIN came too late for that", record(8.9, closeWait), "the kernel says CLOSE_WAIT, the capture ESTABLISHED at most"},
		{"the next record ends it", record(9.5, closeWait) + record(9.8, established), "the kernel says CLOSE_WAIT, the capture ESTABLISHED at most"},
		{"the kernel is a little behind the frame", record(10.05, established), ""},
		{"the FIN did not arrive", record(10.2, established) + record(30, established), "10.0.0.2:443 (connection 1) at 2026-03-01 12:00:10.200000 UTC: the kernel says ESTABLISHED, the capture CLOSE_WAIT at most (in 2 records). The segment that leads to CLOSE_WAIT was captured; the host did not receive it, or ignored it."},
		{"a queue that is full", record(5, "SYN-RECV 0 0 10.0.0.2:443 10.0.0.1:40000"), "the kernel says SYN_RECEIVED, the capture ESTABLISHED at most. The queue of connections to be accepted is full"},
		{"forgotten", record(30, other), "the kernel has no such socket, in the capture it is in CLOSE_WAIT at most"},
		{"forgotten, perhaps after the capture", record(59.5, other), ""},
		{"a record of the other ports", record(30, "ESTAB 0 0 10.0.0.2:22 10.0.0.9:40000 ino:2"), ""},
		{"of another host", record(30, "ESTAB 0 0 10.0.0.3:443 10.0.0.9:40000 ino:2"), ""},
		{"before the connection", record(-20, closeWait), ""},
		{"after the capture", record(90, established), "The record is from 30 s after the end of the capture"},
		{"without a time", established + "\n", "Some records"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, notes := joined(t, c.ss, nil)
			got := strings.Join(notes, "\n")
			if c.note == "" && got != "" || !strings.Contains(got, c.note) || len(notes) > 1 {
				t.Errorf("notes %q, want %q", notes, c.note)
			}
		})
	}
}

// TestJoin_nearest: a finding gets what the kernel said at its time, and both queues.
func TestJoin_nearest(t *testing.T) {
	r, _ := joined(t, record(5, established)+record(20, closeWait)+record(40, closeWait), nil)
	if all := r.Flows[0].Sockets; len(all) != 2 || all[1].At != at(20) || all[1].Until != at(40) {
		t.Fatalf("sockets %+v", all)
	}
	s := r.Findings[0].Sockets
	if len(s) != 1 || s[0].State != fsm.CloseWait || s[0].Recv != 5 || s[0].Agrees != result.Agree || s[0].Ours != fsm.CloseWait || !s[0].Bounded {
		t.Errorf("finding %+v", s)
	}
}

// TestJoin_listener: of a connection without a socket, the one that accepts is named.
func TestJoin_listener(t *testing.T) {
	const any, one = "LISTEN 2 1 0.0.0.0:443 0.0.0.0:* ino:3", "LISTEN 0 1 10.0.0.2:443 0.0.0.0:* ino:4"
	for _, c := range []struct {
		ss    string
		inode uint64
	}{{record(59.9, any, other), 3}, {record(59.9, any, one, other), 4}, {record(59.9, one), 4}, {record(59.9, any), 0}, {record(59.9, one, closeWait), 1}} {
		r, _ := joined(t, c.ss, nil)
		switch all := r.Flows[0].Sockets; {
		case c.inode == 0 && len(all) == 0:
		case len(all) != 1 || all[0].Inode != c.inode:
			t.Errorf("%s: %+v, want inode %d", c.ss, all, c.inode)
		}
	}
}

// TestJoin_reuse: a socket belongs to the connection of its time.
func TestJoin_reuse(t *testing.T) {
	r, _ := joined(t, record(5, established), func(f *result.Flow) { f.First = at(6) })
	if len(r.Flows[0].Sockets) != 0 {
		t.Errorf("a connection that came later got %+v", r.Flows[0].Sockets)
	}
	r, _ = joined(t, record(-5, established), func(f *result.Flow) { f.Limits = fsm.Midstream })
	if s := r.Flows[0].Sockets; len(s) != 1 || s[0].Agrees != result.AgreementUnknown {
		t.Errorf("one that was there before the capture got %+v", s)
	}
}

// TestParse_hide: nothing that names anybody is left.
func TestParse_hide(t *testing.T) {
	const secret = `ESTAB 7 8 10.0.0.2:443 10.0.0.1:40000 users:(("secretd",pid=4711,fd=9)) uid:4712 ino:4713 cgroup:/secret.slice/secret.service <->` + "\n"
	moved := endpoint("192.0.2.1:1")
	l, err := Parse(strings.NewReader(secret), Options{Hide: true, Endpoint: func(e reassembly.Endpoint) reassembly.Endpoint {
		return reassembly.Endpoint{Addr: moved.Addr, Port: e.Port}
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%+v", l.seen)
	for _, s := range []string{"secret", "4711", "4712", "4713", endpoint("10.0.0.2:443").String(), endpoint("10.0.0.1:40000").String()} {
		if strings.Contains(text, s) {
			t.Errorf("%s is left: %s", s, text)
		}
	}
}
