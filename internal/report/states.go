package report

import (
	"io"
	"strconv"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// An Endpoint is one socket of one host, as its own netstat would list it.
type Endpoint struct {
	Flow           uint64
	Local, Foreign reassembly.Endpoint
	State          fsm.State
	Since          int64 // nanoseconds since 1970
	Bounded        bool  // at most this far: an ACK was seen, but not known to arrive
}

// StatesText writes the sockets as netstat -an prints them, all hosts together.
func StatesText(w io.Writer, at int64, endpoints []Endpoint, o Options) error {
	t := newTextWriter(w, &result.Report{}, &o)
	t.line("Active connections at ", instant(at))
	t.line("")
	rows := [][]string{{"Proto", "Local Address", "Foreign Address", "State"}}
	bounded := false
	for i := range endpoints {
		e := &endpoints[i]
		state := o.Names.State(e.State)
		if e.Bounded {
			state += "~"
			bounded = true
		}
		rows = append(rows, []string{proto(e), e.Local.String(), e.Foreign.String(), state})
	}
	for _, l := range table(rows) {
		t.line(l)
	}
	if bounded {
		t.line("")
		t.line("~ at most: the ACK that leads there was seen, but not whether it arrived.")
	}
	return t.out.Flush()
}

// proto is what Linux calls the socket's protocol.
func proto(e *Endpoint) string {
	if e.Local.AddrPort().Addr().Is6() {
		return "tcp6"
	}
	return "tcp"
}

// StatesJSON writes the sockets as one object, a line each, with the RFC's
// names whatever people want to read.
func StatesJSON(w io.Writer, at int64, endpoints []Endpoint, _ Options) error {
	out := newJSONWriter(w)
	out.write(func(b []byte) []byte {
		b = append(b, '{')
		b = appendStringField(b, "schema", statesSchema)
		b = append(appendTimeField(b, "at", at), ",\n "...)
		return append(appendKey(b, "endpoints"), '[')
	})
	jsonRows(out, endpoints, appendSocket)
	out.write(func(b []byte) []byte { return append(b, "]}\n"...) })
	return out.Flush()
}

func appendSocket(b []byte, e *Endpoint) []byte {
	b = strconv.AppendUint(appendKey(b, "flow"), e.Flow, 10)
	b = appendEndpointField(b, "local", e.Local)
	b = appendEndpointField(b, "foreign", e.Foreign)
	b = appendStringField(b, "state", e.State.String())
	b = appendTimeField(b, "since", e.Since)
	return appendBoolField(b, "bounded", e.Bounded)
}
