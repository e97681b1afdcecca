package scenario

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A parser reads the lines of one trace.
type parser struct {
	t      *Trace
	hosts  []hostState // beside t.Hosts
	byName map[string]int
	ends   map[reassembly.Key][2]reassembly.Endpoint // sender of the first segment first
	now    int64                                     // time of the last line
	latest int64                                     // greatest time so far
	frames uint32
	items  int // how much is kept: see maxItems
	last   int // index in t.Lines of the last captured segment, -1 before it
}

// hostState is the state of a host after the lines so far.
type hostState struct {
	iss  reassembly.Seq
	ids  ids
	used bool // by a segment
}

func newParser(name string) *parser {
	p := &parser{
		t:      &Trace{Name: name, Start: defaultStart},
		byName: map[string]int{},
		ends:   map[reassembly.Key][2]reassembly.Endpoint{},
		now:    defaultStart,
		latest: defaultStart,
		items:  8, // the maps and hosts of a trace take as much memory as that many lines
		last:   -1,
	}
	for _, h := range defaultHosts() {
		p.define(h)
	}
	return p
}

// line reads line n of the file.
func (p *parser) line(n int, text string) error {
	s := &scanner{line: text}
	switch c := s.peek(); {
	case c == 0 || c == '#' || strings.HasPrefix(text[s.at:], "//"):
		return nil
	case s.keyword("start"):
		p.start(s)
	case s.keyword("host"):
		p.host(s)
	case s.keyword("iss"):
		p.iss(s)
	default:
		l := p.timed(s)
		l.SrcLine, l.Text = n, strings.TrimSpace(text)
		p.t.Lines = append(p.t.Lines, l)
		p.items += 1 + len(l.Wants)
		return s.errAt(n)
	}
	if c := s.peek(); c != 0 && c != '#' {
		s.fail("unexpected %q", clip(text[s.at:]))
	}
	return s.errAt(n)
}

// start reads "start RFC3339".
func (p *parser) start(s *scanner) {
	w := s.word("the time of the start")
	at, err := time.Parse(time.RFC3339, w)
	switch {
	case len(p.t.Lines) > 0:
		s.fail("start comes before the first frame")
	case err != nil || at.Year() < 1970 || !at.Equal(time.Unix(0, at.UnixNano())):
		s.fail("start is %q, want RFC 3339 such as 2001-01-01T00:00:00Z, from 1970 to 2262", clip(w))
	default:
		p.t.Start = at.UnixNano()
		p.now, p.latest = p.t.Start, p.t.Start
	}
}

// timed reads a line that has a time.
func (p *parser) timed(s *scanner) Line {
	var l Line
	dropped := s.keyword("drop")
	l.Seg.At = p.time(s)
	if p.ended() {
		s.fail("the trace ended on the previous line")
	}
	switch {
	case s.keyword("drop"):
		s.fail("drop comes before the time")
	case s.keyword("end"):
		l.End = true
		p.end(s, &l)
	case s.keyword("other"):
		l.Captured, l.Other = true, true
	case s.keyword("copy"):
		l.Captured = true
		p.copy(s, &l)
	default:
		l.Captured = !dropped
		p.segment(s, &l)
	}
	if dropped && (l.Captured || l.End) {
		s.fail("only a segment can be dropped")
	}
	p.now, p.latest = l.Seg.At, max(p.latest, l.Seg.At)
	if l.Captured {
		p.frames++
		l.Seg.Frame = p.frames
	}
	if l.Captured && !l.Other {
		p.last = len(p.t.Lines)
	}
	p.states(s, &l)
	s.comments(&l)
	return l
}

func (p *parser) ended() bool {
	return len(p.t.Lines) > 0 && p.t.Lines[len(p.t.Lines)-1].End
}

// time reads SECONDS from the start, or +SECONDS or -SECONDS from the previous
// line. Times in captures do go back.
func (p *parser) time(s *scanner) int64 {
	w := s.word("the time")
	if !looksLikeTime(w) {
		s.fail("a line begins with a time, or with start, host, iss or drop, not with %q", clip(w))
		return 0
	}
	from, d := p.t.Start, int64(0)
	switch w[0] {
	case '+':
		from, d = p.now, s.duration(w, w[1:])
	case '-':
		from, d = p.now, -s.duration(w, w[1:])
	default:
		d = s.duration(w, w)
	}
	switch {
	case d > math.MaxInt64-from:
		s.fail("%s is beyond the year 2262", clip(w))
	case from+d < p.t.Start:
		s.fail("%s is before the trace's start", clip(w))
	}
	return from + d
}

func (p *parser) end(s *scanner, l *Line) {
	if l.Seg.At < p.latest {
		s.fail("the trace ends before its last frame")
	}
	p.t.End = l.Seg.At
}

// copy reads the rest of a line with "copy": a duplicate of the last captured
// segment, seen at another place.
func (p *parser) copy(s *scanner, l *Line) {
	if p.last < 0 {
		s.fail("there is no segment to copy yet")
		return
	}
	at, orig := l.Seg.At, &p.t.Lines[p.last]
	l.From, l.To, l.SeqBase, l.AckBase = orig.From, orig.To, orig.SeqBase, orig.AckBase
	l.Seg = orig.Seg
	l.Seg.At = at
	p.attrs(s, &l.Seg, attrsOf(&l.Seg), &p.hosts[l.From].ids)
}

// segment reads SIDE > SIDE and what follows up to the states.
func (p *parser) segment(s *scanner, l *Line) {
	l.From = p.side(s)
	if !s.keyword(">") {
		s.fail("want SIDE > SIDE")
	}
	l.To = p.side(s)
	from, to := &p.t.Hosts[l.From], &p.t.Hosts[l.To]
	src, dst := &p.hosts[l.From], &p.hosts[l.To]
	if isIPv6(from.Addr) != isIPv6(to.Addr) {
		s.fail("%s and %s are of different address families", from.Name, to.Name)
	}
	src.used, dst.used = true, true
	l.Seg.Src, l.Seg.Dst = from.Addr, to.Addr
	l.SeqBase, l.AckBase = src.iss, dst.iss
	s.header(&l.Seg, src.iss, dst.iss)

	usual, counter := from.Attrs, &src.ids
	if usual.ID = src.ids.next; l.Seg.IsQuote() { // a packet that was sent before
		usual.ID, counter = 0, new(ids)
	}
	p.attrs(s, &l.Seg, usual, counter)

	k, _ := reassembly.KeyOf(&l.Seg)
	if _, ok := p.ends[k]; !ok {
		p.ends[k] = [2]reassembly.Endpoint{l.Seg.Src, l.Seg.Dst}
	}
}

// attrs reads the attributes, if any, and sets them in the segment. a are those
// that are not given.
func (p *parser) attrs(s *scanner, seg *reassembly.Segment, a Attrs, c *ids) {
	seg.Opts.Has |= a.read(s, isIPv6(seg.Src))
	if seg.Opts.Has&damage == damage {
		s.fail("options are cut or malformed, not both: reading stops at the first malformed option")
	}
	if n := packet.OptionBytes(&seg.Opts); n > packet.MaxOptions {
		s.fail("the options need %d bytes; a TCP header has room for %d", n, packet.MaxOptions)
	}
	a.put(seg)
	c.use(a.ID)
}

// states reads "| STATE STATE". On a line without a segment, they are those of the
// connection of the last segment.
func (p *parser) states(s *scanner, l *Line) {
	if !s.keyword("|") {
		return
	}
	switch {
	case !l.Captured && !l.End:
		s.fail("a dropped segment is not in the capture, so it changes no states")
		return
	case p.last < 0:
		s.fail("there is no connection yet")
		return
	}
	seg := &l.Seg
	if l.Other || l.End {
		seg = &p.t.Lines[p.last].Seg
	}
	k, _ := reassembly.KeyOf(seg)
	l.HasStates, l.StateEnds = true, p.ends[k]
	for i := range l.States {
		w := s.word("a STATE")
		l.States[i], l.Bounded[i] = strings.CutSuffix(w, "~")
		if l.States[i] == "" || strings.Trim(l.States[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_12") != "" {
			s.fail("%q is not a state such as FIN_WAIT_1 or FIN_WAIT_2~", clip(w))
		}
	}
}

// errAt is the error, if any, with the line's number.
func (s *scanner) errAt(n int) error {
	if s.err == nil {
		return nil
	}
	return fmt.Errorf("%d:%w", n, s.err)
}
