package report

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// csvTitles are the names of JSON's fields, in their order.
func csvTitles(time bool) []string {
	titles := []string{
		"id", "a", "b", "initiator", "state_a", "state_b", "bounded_a", "bounded_b", "ending", "first", "last",
		"packets_a2b", "packets_b2a", "bytes_a2b", "bytes_b2a", "retransmissions_a2b", "retransmissions_b2a",
		"rtt_s", "history", "limits", "copies", "closed_first",
	}
	if time {
		titles = append(titles, timeTitles()...)
	}
	return titles
}

// flowLines writes the connections. There may be a million, with a hundred cells each: no cell
// is a string of its own.
func flowLines(w io.Writer, flows []*result.Flow, time bool) error {
	out := bufio.NewWriterSize(w, 1<<16)
	var l csvLine
	for _, f := range flows {
		l = append(l[:0].flow(f, time), '\n')
		_, _ = out.Write(l) // bufio keeps the error for Flush
	}
	return out.Flush()
}

// A csvLine is a line of CSV, to which cells are added.
type csvLine []byte

// cell begins a cell.
func (l csvLine) cell() csvLine {
	if len(l) > 0 {
		l = append(l, ',')
	}
	return l
}

// text is a cell with any text. It is quoted as encoding/csv does, which quotes what RFC 4180 2.6
// asks for, and what begins with a space.
func (l csvLine) text(s string) csvLine {
	s = plainCell(s)
	if !strings.HasPrefix(s, " ") && !strings.ContainsAny(s, ",\"\r\n") {
		return append(l.cell(), s...)
	}
	l = append(l.cell(), '"')
	l = append(l, strings.ReplaceAll(s, `"`, `""`)...)
	return append(l, '"')
}

func (l csvLine) uint(n uint64) csvLine { return strconv.AppendUint(l.cell(), n, 10) }

func (l csvLine) bool(b bool) csvLine { return strconv.AppendBool(l.cell(), b) }

func (l csvLine) endpoint(e reassembly.Endpoint) csvLine { return e.AddrPort().AppendTo(l.cell()) }

func (l csvLine) time(ns int64) csvLine {
	return time.Unix(0, ns).UTC().AppendFormat(l.cell(), time.RFC3339Nano)
}

// seconds is empty if the time is not known.
func (l csvLine) seconds(known bool, ns int64) csvLine {
	if l = l.cell(); known {
		l = appendSeconds(l, ns)
	}
	return l
}

// flow are the cells of a connection.
func (l csvLine) flow(f *result.Flow, time bool) csvLine {
	const A, B = reassembly.A, reassembly.B
	l = l.uint(f.ID).endpoint(f.End[A]).endpoint(f.End[B]).text(f.Initiator.String()).text(f.State[A].String()).text(f.State[B].String()).
		bool(f.Bounded[A]).bool(f.Bounded[B]).text(f.Ending).time(f.First).time(f.Last).
		uint(f.Packets[A]).uint(f.Packets[B]).uint(f.Bytes[A]).uint(f.Bytes[B]).uint(f.Rexmits[A]).uint(f.Rexmits[B]).
		seconds(f.RTT != 0, f.RTT).text(f.History).text(f.Limits.String()).uint(f.Duplicates).text([...]string{"", "a", "b"}[f.ClosedFirst])
	if time {
		l = l.account(f.Time)
	}
	return l
}
