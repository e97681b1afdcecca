package textcap

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Frame is one packet of a text as a frame.
type Frame struct {
	At      int64  // nanoseconds since 1970
	Data    []byte // captured bytes, valid until the next Next
	Len     int    // bytes on the wire, never less than len(Data)
	Num     uint32 // the frame number in the text, or the number of its line
	Link    uint32 // LINKTYPE_ number
	Missing reassembly.Missing
}

// A Reader reads the packets of a text.
type Reader struct {
	lines   lines
	names   names
	numbers numbers
	clock   clock
	printer string

	pending   *printed // the packet whose lines are being read
	parse     func(*Reader, *printed, string)
	text      []byte // of pending
	wrap      wrap   // of its lines
	ended     bool
	err       error
	buffered  []*printed // until the meaning of their times is known
	decided   bool
	last      uint32 // number of the last frame
	quoteLost bool   // an ICMP error may have belonged to any connection
	numbered  bool   // the text has frame numbers
	hidden    hidden // segments of which the text says too little
	data      []byte
}

// NewReader returns a Reader of a text.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: lines{r: bufio.NewReaderSize(r, 32<<10)}}
}

// Printer is what printed the packets so far: "tcpdump". It is "" before the first.
func (r *Reader) Printer() string { return r.printer }

// Next reads the next packet. It returns io.EOF at the end of the text.
func (r *Reader) Next(fr *Frame) error {
	p, err := r.ordered()
	if err != nil {
		return err
	}
	*fr = Frame{Data: r.data, At: r.clock.time(p.stamp)}
	fr.Num = p.line
	if p.num != 0 {
		fr.Num, r.numbered = p.num, true
	}
	fr.Num = max(fr.Num, r.last+1)
	r.last = fr.Num
	if p.tcp && p.bytes == nil {
		r.numbers.complete(p)
		if r.quoteLost {
			p.seg.Missing |= reassembly.MissingIP
		}
		if r.hidden.concern(&p.seg) {
			p.seg.Missing |= reassembly.MissingSegments
		}
	} else if p.bytes == nil && p.icmp != nil {
		r.numbers.quote(p.icmp)
	} else if p.bytes == nil && p.quoteLost {
		r.quoteLost = true
	} else if p.bytes == nil && p.vague {
		r.hidden.add(&p.seg)
	}
	p.build(fr)
	if p.bytes == nil {
		r.data = fr.Data
	}
	return nil
}

// ordered is the next packet, once the meaning of its time is known.
func (r *Reader) ordered() (*printed, error) {
	for !r.decided {
		p, err := r.packet()
		if err == nil {
			r.buffered = append(r.buffered, p)
		} else if err != io.EOF {
			return nil, err
		}
		delta, undecided := counts(r.buffered)
		r.clock.delta = delta
		r.decided = !undecided || err == io.EOF
	}
	if len(r.buffered) == 0 {
		p, err := r.packet()
		if err != nil {
			return nil, err
		}
		r.buffered = append(r.buffered[:0], p)
	}
	p := r.buffered[0]
	for p.lengthOpen && p.bytes == nil && len(r.buffered) < lengthLookahead {
		next, err := r.packet()
		if err != nil {
			break // it comes again
		}
		r.buffered = append(r.buffered, next)
	}
	r.buffered = r.buffered[1:]
	if p.lengthOpen {
		p.findLength(r.buffered)
	}
	return p, nil
}

// packet reads the lines of the next packet.
func (r *Reader) packet() (*printed, error) {
	for !r.ended {
		line, err := r.lines.next()
		if err != nil {
			r.ended, r.err = true, err
			break
		}
		if p := r.line(line); p != nil && !p.skip {
			return p, nil
		}
	}
	if p := r.finish(); p != nil && !p.skip {
		return p, nil
	}
	return nil, r.err
}

// maxText bounds the lines of one packet, in bytes.
const maxText = 8 << 10

// line reads a line. It returns the packet before it if a new one begins here.
func (r *Reader) line(line string) *printed {
	if f := start(line); f != nil && !r.continues(f, line) {
		done := r.finish()
		r.begin(f)
		r.wrap.begin(line, f.rest)
		return done
	}
	if r.pending == nil {
		return nil
	}
	if r.pending.values != nil {
		r.pending.fields(line)
		return nil
	}
	if offset, b, ok := hexLine(line[max(strings.Index(line, "\t0x"), 0):]); ok { // perhaps behind the prefix of a log
		r.pending.dump(offset, b)
	} else if blank := strings.TrimSpace(line) == "" || isFooter(line); blank {
		r.text = append(r.text, '\n') // what follows is no continuation
	} else if len(r.text) < maxText && !slices.Contains(r.text, '\n') {
		r.wrap.add(line)
		r.text = append(append(r.text, ' '), strings.TrimSpace(line)...)
	}
	return nil
}

// continues reports whether a line without a time belongs to the packet before it:
// what is in a tunnel, or what an ICMP error quotes.
func (r *Reader) continues(f *found, line string) bool {
	if r.pending != nil && f.printer == "snoop-text" && f.num != 0 && f.num == r.pending.num { // another layer of it
		return true
	}
	if r.pending == nil {
		return false
	}
	if f.stamp.kind != noStamp { // a log's, before what follows the IP header
		word, _ := cutWord(f.rest)
		return f.printer == "tcpdump" && isHeaderOnly(string(r.text)) && word != "IP" && word != "IP6" && !isMAC(word)
	}
	text := string(r.text)
	return r.pending.stamp.kind != noStamp || strings.HasPrefix(line, "\t") || isQuote(text) || isHeaderOnly(text) && startsSegment(f.rest)
}

func (r *Reader) begin(f *found) {
	p := f.printed
	p.line = r.lines.n
	r.pending, r.parse = p, f.parse
	r.text = append(r.text[:0], f.rest...)
	if r.printer == "" {
		r.printer = f.printer
	}
}

// finish ends the packet whose lines are being read.
func (r *Reader) finish() *printed {
	p := r.pending
	if p == nil {
		return nil
	}
	r.pending = nil
	text, _, _ := strings.Cut(string(r.text), "\n")
	if p.values != nil {
		p.assemble()
	} else {
		r.parse(r, p, r.wrap.undo(text))
	}
	p.recogniseBytes()
	return p
}

// Warnings are what the reader of a report must know about the text.
func (r *Reader) Warnings() []string {
	var w []string
	if !r.numbered {
		w = append(w, "the text does not number its packets: frame numbers are those of their lines")
	}
	if r.clock.dated == yearless {
		w = append(w, fmt.Sprintf("the text has no year: times are in %d", time.Unix(0, startOfTime).UTC().Year()))
	} else if r.clock.dated == undated {
		w = append(w, "the text has no date: times are on "+time.Unix(0, startOfTime).UTC().Format(time.DateOnly))
	}
	if r.hidden.n > 0 {
		w = append(w, fmt.Sprintf("the text does not say enough of %d TCP segments, such as with tcpdump -q, or where tshark shows the "+
			"protocol above TCP", r.hidden.n))
	}
	return append(w, r.names.warnings()...)
}
