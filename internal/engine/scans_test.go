package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// namedEnds is a scenario of many ends, each of which gets a name.
type namedEnds struct {
	hosts, lines strings.Builder
	named        map[string]bool
}

func (s *namedEnds) name(addr string, port int) string {
	n := fmt.Sprintf("h%s-%d", addr[len(addr)-1:], port)
	if !s.named[n] {
		if s.named == nil {
			s.named = map[string]bool{}
		}
		s.named[n] = true
		fmt.Fprintf(&s.hosts, "host %s %s:%d\n", n, addr, port)
	}
	return n
}

// trace is the scenario, which begins at 0.
func (s *namedEnds) trace(end string) string {
	return s.hosts.String() + "\n0" + s.lines.String()[1:] + end + "\n"
}

// A port scan is a scan for all of its refusals, whatever the number of workers, and analysed with the counts of the whole trace; few
// ports are none, nor is one that is tried again and again, nor ports that the host may have named.
func TestScans(t *testing.T) {
	s := namedEnds{}
	refuse := func(client int, server string, port int) {
		fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+.001 %[2]s > %[1]s R. 0:0(0) ack 1 win 0\n", s.name("10.0.0.1", client), s.name(server, port))
	}
	ftp := func(server string) {
		fmt.Fprintf(&s.lines, `+.001  %[1]s > %[2]s  S   0:0(0)            win 1024
+.001  %[2]s > %[1]s  S.  0:0(0)     ack 1   win 1024
+.001  %[1]s > %[2]s  .   1:1(0)     ack 1   win 1024
+.001  %[2]s > %[1]s  P.  1:21(20)   ack 1   win 1024
+.001  %[1]s > %[2]s  P.  1:7(6)     ack 21  win 1024
+.001  %[2]s > %[1]s  P.  21:71(50)  ack 7   win 1024
+.001  %[1]s > %[2]s  F.  7:7(0)     ack 71  win 1024
+.001  %[2]s > %[1]s  F.  71:71(0)   ack 8   win 1024
+.001  %[1]s > %[2]s  .   8:8(0)     ack 72  win 1024
`, s.name("10.0.0.1", 900), s.name(server, 21))
	}
	ftp("10.0.0.4")
	ftp("10.0.0.5")
	for i := range 60 {
		refuse(2000+i, "10.0.0.2", 20+i)      // a scan
		refuse(2100, "10.0.0.4", 100+i)       // another, from one port, of an FTP server
		refuse(2200+i, "10.0.0.5", 3000+i)    // where an FTP server asks for the next connection
		refuse(2500+2*i, "10.0.0.6", 20+i%30) // 30 ports
		refuse(2501+2*i, "10.0.0.6", 20+i%30)
		if i < 49 {
			refuse(2300+i, "10.0.0.3", 20+i) // too few
		}
	}
	for i := range 3 {
		refuse(2400+i, "10.0.0.2", 79) // a service that is asked four times
	}
	for _, o := range []Options{{Workers: 1}, {Workers: 3}} {
		r := run(t, o, text(t, s.trace("+2 end")))
		infos := map[string]int{}
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Outcome != "refused" {
				continue
			}
			scan := strings.Contains(f.Message, "a port scan by 10.0.0.1, which tried 60 closed ports")
			if scan != (f.Severity == detectors.Info) || scan != (f.Fault == detectors.FaultUnknown) {
				t.Errorf("%v, fault %v: %s", f.Severity, f.Fault, f.Message)
			}
			if scan {
				infos[f.Flow.End[reassembly.B].AddrPort().Addr().String()]++
			}
		}
		if infos["10.0.0.2"] != 59 || infos["10.0.0.4"] != 60 || len(infos) != 2 {
			t.Errorf("%d workers: of a port scan are %v", o.Workers, infos)
		}
	}
}

// So are SYNs that nothing answered those of a port scan, if they went to enough of the system's ports; a port that is asked again and
// again is none of it, and ports that others name show no scan.
func TestTries(t *testing.T) {
	s := namedEnds{}
	try := func(client int, server string, port int) {
		fmt.Fprintf(&s.lines, "+1.00 %[1]s > %[2]s S 0:0(0) win 1024\n+1.00 %[1]s > %[2]s S 0:0(0) win 1024\n", s.name("10.0.0.1", client), s.name(server, port))
	}
	for i := range 50 {
		try(2000+i, "10.0.0.2", 20+i)   // a scan
		try(2200+i, "10.0.0.5", 3000+i) // where somebody tells the client to connect to
		if i < 49 {
			try(2300+i, "10.0.0.3", 20+i) // too few
		}
	}
	try(2500, "10.0.0.2", 3389) // part of it
	for i := range 4 {
		try(2400+i, "10.0.0.2", 8443) // a service that is asked four times
	}
	for _, o := range []Options{{Workers: 1}, {Workers: 3}} {
		r := run(t, o, text(t, s.trace("+60 end")))
		infos := map[string]int{}
		for i := range r.Findings {
			f := &r.Findings[i]
			scan := strings.Contains(f.Message, "a port scan by 10.0.0.1: 52 ports of that host")
			if f.Outcome != "no-answer" || scan != (f.Severity == detectors.Info) {
				t.Errorf("%s, %v: %s", f.Outcome, f.Severity, f.Message)
			}
			if scan {
				infos[f.Flow.End[f.Subject].AddrPort().Addr().String()]++
			}
		}
		if len(infos) != 1 || infos["10.0.0.2"] != 51 {
			t.Errorf("%d workers: %v", o.Workers, infos)
		}
	}
}
