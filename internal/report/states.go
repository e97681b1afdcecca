package report

import (
	"io"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An Endpoint is one socket of one host, as its own netstat would list it.
type Endpoint struct {
	Flow           uint64
	Local, Foreign reassembly.Endpoint
	State          fsm.State
	Since          int64 // nanoseconds since 1970
	Bounded        bool  // at most this far: the segment that leads there may not have arrived, or may be forged
}

// atMost explains the ~ of bounded states.
const atMost = "~ at most: the segment that leads to this state was captured, but may have been lost, ignored or forged."

// StatesText writes the sockets as netstat -an prints them, all hosts together.
func StatesText(w io.Writer, at int64, endpoints []Endpoint, o Options) error {
	t := newTextWriter(w, &result.Report{}, &o)
	t.line("Active connections at ", quantity.Instant(at))
	t.line("")
	rows := [][]string{{"Proto", "Local Address", "Foreign Address", "State"}}
	bounded := false
	for i := range endpoints {
		e, proto := &endpoints[i], "tcp"
		if e.Local.AddrPort().Addr().Is6() {
			proto = "tcp6" // as on Linux
		}
		bounded = bounded || e.Bounded
		rows = append(rows, []string{proto, e.Local.String(), e.Foreign.String(), o.Names.bounded(e.State, e.Bounded)})
	}
	t.table("", rows)
	if bounded {
		t.line("")
		t.remark(atMost)
	}
	return t.out.Flush()
}
