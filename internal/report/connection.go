package report

import (
	"bytes"
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// wholeFilter is a Wireshark display filter for all frames between the two ends of a
// connection, other connections on the same ports included.
func wholeFilter(f *result.Flow) string {
	ip := "ip"
	if f.End[0].AddrPort().Addr().Is6() {
		ip = "ipv6"
	}
	var parts []string
	for _, side := range openerFirst(f) {
		parts = append(parts, ip+".addr=="+f.End[side].AddrPort().Addr().String())
	}
	for _, side := range openerFirst(f) {
		parts = append(parts, "tcp.port=="+strconv.Itoa(int(f.End[side].Port)))
	}
	return strings.Join(parts, " && ")
}

// closedFirst says which party of a connection closed or reset it first: "client",
// "server", or an endpoint; empty if nobody did.
func closedFirst(f *result.Flow) string {
	if f.ClosedFirst == result.InitiatorUnknown {
		return ""
	}
	return ends(f)[f.ClosedFirst-result.InitiatorA]
}

// maxFlowRows is how many connections a page or a ticket lists.
const maxFlowRows = 1000

// flowRows are the connections as a table of a page or a ticket.
func (b *builder) flowRows() (rows [][]string, more uint64) {
	flows := b.o.flows(b.r)
	if len(flows) > maxFlowRows {
		flows, more = flows[:maxFlowRows], uint64(len(flows)-maxFlowRows)
	}
	t := textWriter{r: b.r, o: b.o}
	rows = append(rows, flowTitles)
	for _, f := range flows {
		rows = append(rows, t.flowRow(f))
	}
	for _, row := range rows {
		for i := range row {
			row[i] = Clean(row[i])
		}
	}
	return rows, more
}

// timelineText is a connection in full as plain text, for formats that print it as it is.
func timelineText(r *result.Report, o *Options) []string {
	var b bytes.Buffer
	plain := *o
	plain.Color, plain.Steps, plain.Connection, plain.Width = false, nil, false, 0
	if FlowText(&b, r, o.Steps, plain) != nil {
		return nil
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// FlowCSV writes a line for each segment of a connection, those of its timeline in JSON.
func FlowCSV(w io.Writer, r *result.Report, o Options) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"n", "file", "frame", "time", "side", "segment", "class", "state_a", "state_b", "bounded_a", "bounded_b"})
	const A, B = reassembly.A, reassembly.B
	for i := range o.Steps {
		s := &o.Steps[i]
		row := []string{
			unsigned(s.N), o.file(r, &s.Seg), unsigned(r.FrameNumberOf(&s.Seg)), timestamp(o.time(&s.Seg)), s.Side.String(), notation(&r.Flows[0], &s.Seg), className(s),
			s.State[A].String(), s.State[B].String(), strconv.FormatBool(s.Bounded[A]), strconv.FormatBool(s.Bounded[B]),
		}
		for i, c := range row {
			row[i] = plainCell(c)
		}
		_ = out.Write(row) // csv keeps the error for Error
	}
	out.Flush()
	return out.Error()
}

// className is the class of a step in JSON and CSV.
func className(s *result.Step) string {
	if s.Seg.IsQuote() {
		return icmpError
	}
	return s.Class.String()
}

// moreFlows is a sentence about connections that are not listed.
func moreFlows(n uint64) string {
	if n == 0 {
		return ""
	}
	return "... and " + quantity.Count(n, "more connection")
}
