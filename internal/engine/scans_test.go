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
		refuse(2000+i, "10.0.0.2", 20+i)   // a scan
		refuse(2100, "10.0.0.4", 100+i)    // another, from one port, of an FTP server
		refuse(2200+i, "10.0.0.5", 3000+i) // where an FTP server asks for the next connection
		for n := range 6 {                 // in rounds, of a whole range, and of services
			refuse(3000+100*n+i, "10.0.0.7", 5000+i)
			refuse(4000+100*n+i, "10.0.0.8", 5000+7*i)
		}
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
			scan := strings.Contains(f.Message, "a port scan by 10.0.0.1: a RST came for at least 60 ports")
			if scan != (f.Severity == detectors.Info) || scan != (f.Fault == detectors.FaultUnknown) {
				t.Errorf("%v, fault %v: %s", f.Severity, f.Fault, f.Message)
			}
			if scan {
				infos[f.Flow.End[reassembly.B].AddrPort().Addr().String()]++
			}
		}
		if infos["10.0.0.2"] != 59 || infos["10.0.0.4"] != 60 || infos["10.0.0.7"] != 360 || len(infos) != 3 {
			t.Errorf("%d workers: of a port scan are %v", o.Workers, infos)
		}
	}
}

// A port of a scan that is refused by ICMP, or not answered, is part of it, unless it is asked as often as no scan does; another host's is not.
func TestScans_othersOfIt(t *testing.T) {
	s := namedEnds{}
	for i := range 60 {
		fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+.001 %[2]s > %[1]s R. 0:0(0) ack 1 win 0\n", s.name("10.0.0.1", 2000+i), s.name("10.0.0.2", 20+i))
	}
	told := func(client int, server string, port int) {
		fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+.001 %[1]s > %[2]s icmp %[3]s 3/3 0:0(0)\n", s.name("10.0.0.1", client), s.name(server, port), server)
	}
	for i := range 4 {
		if i < 3 {
			told(2100+i, "10.0.0.2", 5901)
			fmt.Fprintf(&s.lines, "+1.00 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+1.00 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n", s.name("10.0.0.1", 2200+i), s.name("10.0.0.2", 8080))
		}
		told(2300+i, "10.0.0.2", 8443) // a service that is asked four times
	}
	told(2400, "10.0.0.3", 5901)
	r, infos := run(t, Options{}, text(t, s.trace("+60 end"))), map[string]int{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if scan := strings.Contains(f.Message, "a port scan by 10.0.0.1: a RST came for at least 60 ports"); scan != (f.Severity == detectors.Info) {
			t.Errorf("%s, %v: %s", f.Outcome, f.Severity, f.Message)
		} else if scan {
			infos[f.Outcome]++
		}
	}
	if infos["refused"] != 60 || infos["refused-by-icmp"] != 3 || infos["no-answer"] != 3 || len(r.Findings) != 71 {
		t.Errorf("of %d, of a port scan are %v", len(r.Findings), infos)
	}
}

// A RST with ACK and the number 0 answers a SYN, captured or not (RFC 9293 3.10.7.1), and counts. One with another number may answer anything.
func TestScans_withoutSYNs(t *testing.T) {
	for first, want := range map[string]bool{"0": true, "1": false} {
		s := namedEnds{}
		for i := range 50 {
			client, server := s.name("10.0.0.1", 2000+i), s.name("10.0.0.2", 20+i)
			fmt.Fprintf(&s.hosts, "iss %s %s\n", server, first)
			if i < 30 {
				fmt.Fprintf(&s.lines, "+.001 %s > %s S 0:0(0) win 1024 <mss 1460>\n", client, server)
			}
			fmt.Fprintf(&s.lines, "+.001 %s > %s R. 0:0(0) ack 1 win 0\n", server, client)
		}
		for _, o := range []Options{{Workers: 1}, {Workers: 3, compact: compactAtOnce}} {
			r := run(t, o, text(t, s.trace("+2 end")))
			if len(r.Findings) != 30 {
				t.Errorf("%d findings", len(r.Findings))
			}
			for i := range r.Findings {
				f := &r.Findings[i]
				if scan := strings.Contains(f.Message, "a RST came for at least 50 ports"); scan != want || scan != (f.Severity == detectors.Info) {
					t.Errorf("RSTs from %s: %v: %s", first, f.Severity, f.Message)
				}
			}
		}
	}
}

// So are refusals of one port by many hosts, each of which was asked a few times, if few others took a connection of the client. Those of
// a few hosts are not, nor is one that is asked again and again, nor what a balancer asks its backends, even if all refuse.
func TestSweeps(t *testing.T) {
	var hosts, lines strings.Builder
	named := map[string]bool{}
	name := func(addr string, port int) string {
		n := fmt.Sprintf("h%s-%d", strings.ReplaceAll(addr, ".", "-"), port)
		if !named[n] {
			named[n] = true
			fmt.Fprintf(&hosts, "host %s %s:%d\n", n, addr, port)
		}
		return n
	}
	try := func(client, source, port, host int, answer string) {
		fmt.Fprintf(&lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+.001 %[2]s > %[1]s %[3]s 0:0(0) ack 1 win 0\n",
			name(fmt.Sprintf("10.0.0.%d", client), source), name(fmt.Sprintf("10.0.%d.%d", client, host), port), answer)
	}
	talk := func(client, source, port, host int) { // a whole connection, which is compacted
		fmt.Fprintf(&lines, `+.001  %[1]s > %[2]s  S   0:0(0)            win 1024 <mss 1460>
+.001  %[2]s > %[1]s  S.  0:0(0)     ack 1   win 1024
+.001  %[1]s > %[2]s  .   1:1(0)     ack 1   win 1024
+.001  %[1]s > %[2]s  P.  1:7(6)     ack 1   win 1024
+.001  %[2]s > %[1]s  P.  1:71(70)   ack 7   win 1024
+.001  %[1]s > %[2]s  F.  7:7(0)     ack 71  win 1024
+.001  %[2]s > %[1]s  F.  71:71(0)   ack 8   win 1024
+.001  %[1]s > %[2]s  .   8:8(0)     ack 72  win 1024
`, name(fmt.Sprintf("10.0.0.%d", client), source), name(fmt.Sprintf("10.0.%d.%d", client, host), port))
	}
	for i := range 50 {
		try(1, 40000, 13337, i, "R.") // a sweep, from one port
		try(2, 40000+i, 443, i, "R.") // another, of hosts of which a third takes the connection
		try(3, 40000+i, 443, i, "R.") // whose client finds more than that
		if i < 49 {
			try(4, 40000+i, 443, i, "R.") // too few
		}
		if i < 25 {
			try(2, 41000+i, 443, 100+i, "S.")
		}
		if i < 26 {
			talk(3, 41000+i, 443, 100+i)
		}
		if i < 3 {
			try(1, 41000+i, 13337, 9, "R.") // a host that is asked four times
			try(6, 40000+i, 443, i, "R.")   // one port of three servers
		}
		for n := range 4 {
			try(5, 40000+100*n+i, 443, i, "R.") // checks of backends, in rounds
		}
		if i < 20 {
			try(7, 40000+i, 443, i, "R.") // of twenty, all of which refuse
		}
	}
	for _, client := range []int{1, 4} { // of the sweep, and of too few, one is refused by ICMP, and one by nothing
		port := map[int]int{1: 13337, 4: 443}[client]
		a, b := name(fmt.Sprintf("10.0.0.%d", client), 50000), name(fmt.Sprintf("10.0.%d.200", client), port)
		fmt.Fprintf(&lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+.001 %[1]s > %[2]s icmp 10.0.%[3]d.200 3/13 0:0(0)\n", a, b, client)
		c := name(fmt.Sprintf("10.0.%d.201", client), port)
		fmt.Fprintf(&lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n+1.00 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460>\n", a, c)
	}
	for _, o := range []Options{{Workers: 1}, {Workers: 3, compact: compactAtOnce}} {
		r := run(t, o, text(t, hosts.String()+"\n0"+lines.String()[1:]+"+200 end\n"))
		infos, all, others := map[string]int{}, 0, 0
		for i := range r.Findings {
			f := &r.Findings[i]
			if f.Detector == "syn-unanswered" {
				others++
				if sweep := f.Flow.End[reassembly.A].AddrPort().Addr().String() == "10.0.0.1"; sweep != (f.Severity == detectors.Info) || sweep != strings.HasSuffix(f.Message, ": a RST came from each of 50 addresses.") {
					t.Errorf("%v: %s", f.Severity, f.Message)
				}
			}
			if f.Outcome != "refused" {
				continue
			}
			all++
			sweep := strings.Contains(f.Message, ", a sweep of port ") && strings.HasSuffix(f.Message, ": a RST came from each of 50 addresses.")
			if sweep != (f.Severity == detectors.Info) || sweep != (f.Fault == detectors.FaultUnknown) {
				t.Errorf("%v, fault %v: %s", f.Severity, f.Fault, f.Message)
			}
			if sweep {
				infos[f.Flow.End[reassembly.A].AddrPort().Addr().String()]++
			}
		}
		if infos["10.0.0.1"] != 49 || infos["10.0.0.2"] != 50 || len(infos) != 2 || others != 4 || all != 53+50+50+49+3+200+20 {
			t.Errorf("%d workers: of %d refusals, of a sweep are %v; %d SYNs without an answer", o.Workers, all, infos, others)
		}
	}
}

// A scanner asks each port a few times; who asks half of them or more again and again may flood the host.
func TestScans_flood(t *testing.T) {
	for rounds, flood := range map[int]bool{10: false, 11: true} {
		s := namedEnds{}
		for i := range 60 * rounds {
			fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024\n+.001 %[2]s > %[1]s R. 0:0(0) ack 1 win 0\n", s.name("10.0.0.1", 2000+i), s.name("10.0.0.2", 20+i%60))
		}
		fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024\n+.001 %[1]s > %[2]s icmp 10.0.0.2 3/3 0:0(0)\n", s.name("10.0.0.1", 9000), s.name("10.0.0.2", 5901))
		r, n := run(t, Options{}, text(t, s.trace("+60 end"))), 0
		for i := range r.Findings {
			f := &r.Findings[i]
			if strings.Contains(f.Message, "part of a port scan or a flood by 10.0.0.1: a RST came for at least 60 ports of that host, and more than ten for at least half of them.") {
				n++
			} else if !strings.Contains(f.Message, "part of a port scan by 10.0.0.1: a RST came for at least 60 ports of that host.") {
				t.Errorf("%d rounds: %s", rounds, f.Message)
			}
		}
		if flood != (n == len(r.Findings)) || len(r.Findings) == 0 {
			t.Errorf("%d rounds: of %d findings, %d speak of a flood", rounds, len(r.Findings), n)
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

// A few ports are enough if the SYNs to them have one ISN: no TCP uses it twice. One SYN captured again, with its port translated, is none,
// nor are SYNs from one port with ISNs of their own.
func TestOneISN(t *testing.T) {
	s := namedEnds{}
	refuse := func(client int, server string, port, id int) {
		fmt.Fprintf(&s.lines, "+.001 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460> {id %[3]d}\n+.001 %[2]s > %[1]s R. 0:0(0) ack 1 win 0\n", s.name("10.0.0.1", client), s.name(server, port), id)
	}
	for i := range 3 {
		refuse(2000, "10.0.0.2", 20+i, 7000-i)                                                   // written
		fmt.Fprintf(&s.lines, "+1 other\niss %s %d\n", s.name("10.0.0.1", 2300), 1000+i*1000000) // a port that is bound
		refuse(2300, "10.0.0.5", 20+i, 9000-i)
	}
	fmt.Fprintf(&s.lines, "+1 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460> {id 6000}\n+1 %[1]s > %[2]s S 0:0(0) win 1024 <mss 1460> {id 6001}\n", s.name("10.0.0.1", 2000), s.name("10.0.0.2", 23))
	for i := range 2 {
		refuse(2100, "10.0.0.3", 20+i, 7700+i) // written
		refuse(2200, "10.0.0.4", 20+i, 8000)   // translated
	}
	for _, o := range []Options{{Workers: 1}, {Workers: 3}} {
		r := run(t, o, text(t, s.trace("+60 end")))
		scanned := map[string]int{}
		for i := range r.Findings {
			f := &r.Findings[i]
			n := strings.Count(f.Message, "part of a port scan by 10.0.0.1: SYNs to 4 ports of that host") + strings.Count(f.Message, "part of a port scan by 10.0.0.1: SYNs to 2 ports of that host")
			if (n == 1) != (f.Severity == detectors.Info) || (n == 1) != (f.Fault == detectors.FaultUnknown && f.Outcome == "refused" || f.Outcome == "no-answer") {
				t.Errorf("%s, %v: %s", f.Outcome, f.Severity, f.Message)
			}
			if n == 1 {
				scanned[f.Flow.End[reassembly.B].AddrPort().Addr().String()]++
			}
		}
		if len(r.Findings) != 11 || len(scanned) != 2 || scanned["10.0.0.2"] != 4 || scanned["10.0.0.3"] != 2 {
			t.Errorf("%d workers: of %d findings, %v", o.Workers, len(r.Findings), scanned)
		}
	}
}
