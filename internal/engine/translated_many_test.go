package engine

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
)

// Where many connections begin with the same numbers, as those of a small stack do, these do not show
// that two are one. In a flood of such, all would have to be compared with all.
func TestTranslated_sameNumbers(t *testing.T) {
	for _, c := range []struct {
		others  int
		verdict detectors.Verdict
	}{{63, detectors.Undecided}, {64, detectors.Seen}} {
		var b strings.Builder
		leak := func(client, server string) {
			fmt.Fprintf(&b, "+.001 %[1]s > %[2]s S 0:0(0) win 64240\n+.001 %[2]s > %[1]s S. 0:0(0) ack 1 win 65160\n+.001 %[1]s > %[2]s . 1:1(0) ack 1 win 64240\n"+
				"+.001 %[1]s > %[2]s F. 1:1(0) ack 1 win 64240\n+.001 %[2]s > %[1]s . 1:1(0) ack 2 win 65160\n", client, server)
		}
		b.WriteString("host inside 10.0.9.9:80\niss inside 200000000\n0.000 other\n")
		leak("client", "server")
		leak("client", "inside")
		b.WriteString("+1.00 inside > client P. 1:11(10) ack 2 win 65160\n+.001 inside > client F. 11:11(0) ack 2 win 65160\n+.001 client > inside . 2:2(0) ack 12 win 64240\n")
		for i := range c.others {
			fmt.Fprintf(&b, "host c%[1]d 10.1.0.%[1]d:40000\niss c%[1]d 100000000\nhost s%[1]d 10.2.0.%[1]d:80\niss s%[1]d 200000000\n", i+1)
			leak(fmt.Sprint("c", i+1), fmt.Sprint("s", i+1))
		}
		b.WriteString("+100 end\n")
		r := run(t, Options{}, text(t, b.String()))
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Detector == "close-wait-leak" && f.Flow.ID == 1 && f.Verdict != c.verdict {
				t.Errorf("with %d other connections, the leak is %v: %s", c.others, f.Verdict, f.Reason)
			}
		}
		if len(r.Findings) != c.others+1 {
			t.Errorf("%d findings, want %d", len(r.Findings), c.others+1)
		}
	}
}
