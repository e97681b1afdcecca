package scenario

import (
	"bytes"
	"strconv"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Append writes the file, which Parse reads to the same traces.
func (f *File) Append(dst []byte) []byte {
	if f.Intro != "" {
		dst = append(append(dst, f.Intro...), "\n\n"...)
	}
	for i, t := range f.Traces {
		if i > 0 {
			dst = append(dst, '\n')
		}
		if f.Intro != "" || len(f.Traces) > 1 {
			dst = append(dst, traceMarker+"\n"...)
		}
		dst = t.Append(dst)
	}
	return dst
}

// Append writes the trace as bare text, in aligned columns. A duplicate is written
// in full, because it does not say which frame came first.
func (t *Trace) Append(dst []byte) []byte {
	p := printer{t: t, state: make([]hostState, len(t.Hosts))}
	dst = p.header(dst)
	p.measure()
	for i := range t.Lines {
		dst = p.line(dst, &t.Lines[i])
	}
	return dst
}

// appendTime writes a duration in nanoseconds as seconds.
func appendTime(dst []byte, ns int64, decimals int) []byte {
	const second = int64(time.Second)
	dst = strconv.AppendInt(dst, ns/second, 10)
	frac := strconv.AppendInt(make([]byte, 0, 10), second+ns%second, 10)
	frac[0] = '.'
	return append(dst, frac[:1+decimals]...)
}

// decimals is how many a duration needs: three, six or nine.
func decimals(ns int64) int {
	switch {
	case ns%int64(time.Millisecond) == 0:
		return 3
	case ns%int64(time.Microsecond) == 0:
		return 6
	}
	return 9
}

// A printer writes one trace. It keeps the same state as the parser, to know what
// need not be written.
type printer struct {
	t        *Trace
	state    []hostState
	cols     columns
	decimals int
}

// header writes the start, the hosts and their first ISNs.
func (p *printer) header(dst []byte) []byte {
	if p.t.Start != defaultStart {
		dst = append(dst, "start "...)
		dst = time.Unix(0, p.t.Start).UTC().AppendFormat(dst, time.RFC3339Nano)
		dst = append(dst, '\n')
	}
	defaults := defaultHosts()
	for i := range p.t.Hosts {
		h := &p.t.Hosts[i]
		p.state[i] = hostState{iss: defaultISN(i), ids: ids{h.ID}}
		plain := newHost(h.Name, h.Addr)
		if i < len(defaults) && *h == defaults[i] {
			continue
		}
		dst = append(append(dst, "host "...), h.Name...)
		if i >= len(defaults) || h.Addr != defaults[i].Addr {
			dst = append(append(dst, ' '), h.Addr.String()...)
		}
		dst = h.Attrs.append(dst, &plain.Attrs, 0)
		dst = append(dst, '\n')
	}
	for i := range p.t.Lines {
		if l := &p.t.Lines[i]; l.isSegment() {
			dst = p.firstISS(dst, l.From, l.SeqBase)
			dst = p.firstISS(dst, l.To, l.AckBase)
		}
	}
	return dst
}

// firstISS writes the first ISN of a host.
func (p *printer) firstISS(dst []byte, host int, isn reassembly.Seq) []byte {
	if p.state[host].used {
		return dst
	}
	p.state[host].used = true
	return p.iss(dst, host, isn)
}

// measure finds the widths of the columns.
func (p *printer) measure() {
	p.decimals, p.cols.flags = 3, flagsWidth
	var b [128]byte
	for i := range p.t.Lines {
		l := &p.t.Lines[i]
		p.decimals = max(p.decimals, decimals(l.Seg.At-p.t.Start))
		if !l.isSegment() {
			continue
		}
		c := &p.cols
		c.from = max(c.from, len(p.t.Hosts[l.From].Name))
		c.to = max(c.to, len(p.t.Hosts[l.To].Name))
		c.flags = max(c.flags, len(l.Seg.Flags.String()))
		c.span = max(c.span, len(appendSpan(b[:0], &l.Seg, l.SeqBase)))
		c.win = max(c.win, len(appendWin(b[:0], &l.Seg)))
		if l.Seg.Flags.Has(reassembly.ACK) {
			c.ack = max(c.ack, len(appendAck(b[:0], &l.Seg, l.AckBase)))
		}
	}
	for i := range p.t.Lines {
		l := &p.t.Lines[i]
		n := len(appendTime(b[:0], l.Seg.At-p.t.Start, p.decimals))
		if l.isDropped() {
			n += len("drop ")
		}
		p.cols.time = max(p.cols.time, n)
	}
}

// line writes the line, after the ISNs that have changed.
func (p *printer) line(dst []byte, l *Line) []byte {
	if l.isSegment() {
		dst = p.iss(dst, l.From, l.SeqBase)
		dst = p.iss(dst, l.To, l.AckBase)
	}
	start := len(dst)
	if l.isDropped() {
		dst = append(dst, "drop "...)
	}
	dst = pad(appendTime(dst, l.Seg.At-p.t.Start, p.decimals), start, p.cols.time)
	dst = append(dst, "  "...)
	switch {
	case l.End:
		dst = append(dst, "end"...)
	case l.Other:
		dst = append(dst, "other"...)
	default:
		dst = p.segment(dst, l)
	}
	return append(bytes.TrimRight(p.asserts(dst, l), " "), '\n')
}

// iss writes the host's ISN if it has changed.
func (p *printer) iss(dst []byte, host int, isn reassembly.Seq) []byte {
	if p.state[host].iss == isn {
		return dst
	}
	p.state[host].iss = isn
	dst = append(append(dst, "iss "...), p.t.Hosts[host].Name...)
	return append(strconv.AppendUint(append(dst, ' '), uint64(isn), 10), '\n')
}

// segment writes SIDE > SIDE up to the attributes.
func (p *printer) segment(dst []byte, l *Line) []byte {
	dst = pad(append(dst, p.t.Hosts[l.From].Name...), len(dst), p.cols.from)
	dst = append(dst, " > "...)
	dst = pad(append(dst, p.t.Hosts[l.To].Name...), len(dst), p.cols.to)
	dst = append(dst, "  "...)
	dst = appendSegment(dst, &l.Seg, l.SeqBase, l.AckBase, &p.cols)

	src := &p.state[l.From]
	usual := p.t.Hosts[l.From].Attrs
	if usual.ID = src.ids.next; l.Seg.IsQuote() {
		usual.ID = 0
	} else {
		src.ids.use(l.Seg.IPID)
	}
	a := attrsOf(&l.Seg)
	return a.append(dst, &usual, l.Seg.Opts.Has)
}

// asserts writes the states, the comment and the wants.
func (p *printer) asserts(dst []byte, l *Line) []byte {
	if l.HasStates {
		dst = append(dst, "  |"...)
		for i, state := range l.States {
			dst = append(append(dst, ' '), state...)
			if l.Bounded[i] {
				dst = append(dst, '~')
			}
		}
	}
	if l.Comment != "" {
		dst = append(append(dst, "  # "...), l.Comment...)
	}
	for i := range l.Wants {
		lead := "  # want "
		if i > 0 {
			lead = "; "
		}
		dst = l.Wants[i].append(append(dst, lead...))
	}
	return dst
}
