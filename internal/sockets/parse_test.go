package sockets

import (
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// only parses text and returns its one socket.
func only(t *testing.T, text string) (tuple, result.Socket) {
	t.Helper()
	l, err := Parse(strings.NewReader(text+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.seen) != 1 {
		t.Fatalf("%d sockets, want 1", len(l.seen))
	}
	for tu, entries := range l.seen {
		return tu, entries[0].socket
	}
	panic("unreachable")
}

// TestParse_lines has lines of several versions of ss.
func TestParse_lines(t *testing.T) {
	for _, c := range []struct {
		line, local, foreign string
		want                 result.Socket
	}{
		{`CLOSE-WAIT 1449   0               127.0.0.1:7001           127.0.0.1:50334 users:(("python3",pid=30975,fd=6),("python3",pid=30930,fd=6)) ino:6043477 sk:1707 cgroup:/ -->`,
			"127.0.0.1:7001", "127.0.0.1:50334",
			result.Socket{State: fsm.CloseWait, Recv: 1449, Inode: 6043477, Cgroup: "/", Processes: []result.Process{{Name: "python3", PID: 30975, FD: 6}, {Name: "python3", PID: 30930, FD: 6}}}},
		{`tcp ESTAB 0 36 [fe80::1]%eth0:22 [fe80::2]:5000 timer:(on,200ms,3) uid:1000 ino:1 sk:2 cgroup:/user.slice/session 1.scope v6only:0 <-> cubic`, // with Netid, on one line
			"[fe80::1]:22", "[fe80::2]:5000",
			result.Socket{State: fsm.Established, Send: 36, Inode: 1, UID: 1000, Timer: "on", Retries: 3, Cgroup: "/user.slice/session 1.scope", Unit: "session 1.scope"}},
		{`ESTAB      0      0      ::ffff:10.0.0.1:443    ::ffff:10.0.0.2:4711  users:(("httpd",812,97)) ino:5 sk:ffff8800`, // iproute2 before 2015
			"10.0.0.1:443", "10.0.0.2:4711", result.Socket{State: fsm.Established, Inode: 5, Processes: []result.Process{{Name: "httpd", PID: 812, FD: 97}}}},
		{`ESTAB 0 0 127.0.0.53%lo:53 127.0.0.1:4711 users:(("a",b),(",pid=1,fd=2)) ino:0`, // a name may have anything in it
			"127.0.0.53:53", "127.0.0.1:4711", result.Socket{State: fsm.Established, UID: -1, Processes: []result.Process{{Name: `a",b),(`, PID: 1, FD: 2}}}},
		{`FIN-WAIT-2 0      0               127.0.0.1:50334          127.0.0.1:7001  timer:(timewait,59sec,0) ino:0 sk:1700`,
			"127.0.0.1:50334", "127.0.0.1:7001", result.Socket{State: fsm.FinWait2, UID: -1, Timer: "timewait"}},
	} {
		tu, got := only(t, c.line)
		if tu.local.String() != c.local || tu.foreign.String() != c.foreign {
			t.Errorf("%s: between %v and %v", c.line, tu.local, tu.foreign)
		}
		if !same(&got, &c.want) || got.UID != c.want.UID || got.Cgroup != c.want.Cgroup || got.Unit != c.want.Unit {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.line, got, c.want)
		}
	}
}

func TestParse_errors(t *testing.T) {
	const good = "State Recv-Q Send-Q\n"
	for _, c := range []struct{ text, want string }{
		{"", "it has no sockets"},
		{"\xd4\xc3\xb2\xa1\n", "line 1: neither a line of ss"},
		{good + "hello\n", "line 2: neither a line of ss"},
		{good + "ESTAB x 0 1.2.3.4:5 1.2.3.4:6\n", "line 2: Recv-Q is not a number"},
		{good + "ESTAB 0 -1 1.2.3.4:5 1.2.3.4:6\n", "line 2: Send-Q is not a number"},
		{good + "ESTAB 0 0 localhost:5 1.2.3.4:6\n", "line 2: not ADDRESS:PORT in numbers"},
		{good + "ESTAB 0 0 1.2.3.4:70000 1.2.3.4:6\n", "line 2: not ADDRESS:PORT in numbers"},
		{good + "ESTAB 0 0 1.2.3.4:5\n", "line 2: not ADDRESS:PORT"},
		{good + `ESTAB 0 0 1.2.3.4:5 1.2.3.4:6 users:(("x",pid=1`, "line 2: users: is not"},
		{good + "ESTAB 0 0 1.2.3.4:5 1.2.3.4:6 ino:x\n", "line 2: ino: is not a number"},
		{"Sat Nov 28 12:53:26 CET 2026\n" + good, "line 1: the zone of the time has no offset"},
		{"1772366420\n" + good + "1772366419\n" + good, "line 3: the time is before"},
		{good + "1772366419\n" + good, "line 2: a time behind a record that has none"},
		{strings.Repeat("x", maxLine+1), "line 1: longer than"},
	} {
		if _, err := Parse(strings.NewReader(c.text), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestParseTime has what date prints, by its options and languages of the zone.
func TestParseTime(t *testing.T) {
	want := time.Date(2026, 11, 28, 11, 53, 26, 0, time.UTC).UnixNano()
	for _, c := range []struct {
		line       string
		more       int64
		resolution time.Duration
	}{
		{"1795866806.035364009", 35364009, 0},
		{"1795866806", 0, time.Second},
		{"2026-11-28T11:53:26,033245134+00:00", 33245134, 0},
		{"2026-11-28T12:53:26+01:00", 0, time.Second},
		{"2026-11-28T11:53:26Z", 0, time.Second},
		{"2026-11-28 11:53:26.5", 5e8, 0},
		{"2026-11-28 12:53:26 +0100", 0, time.Second},
		{"Sat Nov 28 11:53:26 UTC 2026", 0, time.Second},
		{"Sat, 28 Nov 2026 12:53:26 +0100", 0, time.Second},
		{"=== Sat Nov 28 11:53:26 UTC 2026 ===", 0, time.Second},
		{"# 2026-11-28 11:53:26", 0, time.Second},
	} {
		at, resolution, err := parseTime(c.line)
		if err != nil || at != want+c.more || resolution != int64(c.resolution) {
			t.Errorf("%s: %d, %d, %v; want %d, %d", c.line, at, resolution, err, want+c.more, c.resolution)
		}
	}
}

// TestParse_changes: a loop of a night costs memory only for what changes.
func TestParse_changes(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(time.Unix(1772366420+int64(i), 0).UTC().Format(time.RFC3339) + "\nState\n")
		if i != 500 { // then it is away for one record
			b.WriteString("ESTAB 0 0 1.2.3.4:5 1.2.3.4:6\n")
		}
	}
	l, err := Parse(strings.NewReader(b.String()), Options{})
	if err != nil || l.Records != 1000 || l.entries != 2 {
		t.Errorf("%v, %+v: want 1000 records with 2 entries", err, l)
	}
}

func TestUnitOf(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for path, want := range map[string]string{
		"/": "", "": "", "/system.slice/nginx.service": "nginx.service", "/user.slice/user-1000.slice/session-4.scope": "session-4.scope",
		"/docker/" + id: "container 0123456789ab", "/system.slice/docker-" + id + ".scope": "container 0123456789ab",
		"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" + id + ".scope": "container 0123456789ab",
		"/system.slice/x.service/worker":                                      "x.service",
	} {
		if got := UnitOf(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

// FuzzParse: whatever the file has in it is an error or a log.
func FuzzParse(f *testing.F) {
	f.Add("2026-11-28T11:53:26,033245134+00:00\nState Recv-Q\nESTAB 0 0 10.0.0.1:1 10.0.0.2:2 users:((\"x\",pid=1,fd=2)) timer:(on,1sec,2) uid:1 ino:2 cgroup:/a b <->\n\t cubic\n")
	f.Add("tcp LISTEN 1 128 [::]:80 *:*\nSYN-RECV 0 0 ::ffff:1.2.3.4:5 1.2.3.4:6\n")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(strings.NewReader(text), Options{Hide: true})
		if err == nil && l.entries > strings.Count(text, "\n")+1 {
			t.Errorf("%d entries in %d lines", l.entries, strings.Count(text, "\n")+1)
		}
	})
}
