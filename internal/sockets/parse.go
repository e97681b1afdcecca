package sockets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Log is the records of one host, in order of time.
type Log struct {
	Records int  // how many
	Sockets int  // different four-tuples in them
	Dated   bool // they say when they were taken
	Cut     bool // there is more than is remembered

	times   []instant
	seen    map[tuple][]entry // in order of records
	listens map[reassembly.Endpoint]entry
	local   map[[16]byte]bool // addresses of the host
	ports   map[uint16]bool   // local ports
	entries int
}

// A tuple is a connection as one of its ends has it.
type tuple struct{ local, foreign reassembly.Endpoint }

// An instant is when a record was taken.
type instant struct {
	at         int64 // nanoseconds since 1970; 0 if unknown
	resolution int64 // it was taken at most this much later
}

// An entry is a socket as the records from first to last have it.
type entry struct {
	first, last int
	socket      result.Socket
}

// What a file can make a Log remember, and how long a line may be.
const (
	maxEntries = 1 << 20
	maxLine    = 1 << 16
)

// Options say what is replaced while a file is read.
type Options struct {
	Endpoint func(reassembly.Endpoint) reassembly.Endpoint // nil to keep addresses
	Hide     bool                                          // names of processes and units, users, and numbers of processes and sockets
	Shift    int64                                         // added to times, nanoseconds
}

// Parse reads the output of ss -tanpeio: once, or many times, each behind a line with
// the time. An error has the number of the line, and none of its text.
func Parse(r io.Reader, o Options) (*Log, error) {
	p := parser{log: &Log{seen: map[tuple][]entry{}, listens: map[reassembly.Endpoint]entry{}, local: map[[16]byte]bool{}, ports: map[uint16]bool{}}, o: o}
	if o.Hide {
		p.hidden = NewHidden()
	}
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	n := 0
	for s.Scan() {
		n++
		if err := p.line(strings.TrimRight(s.Text(), "\r")); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: longer than %d bytes", n+1, maxLine)
	case err != nil:
		return nil, err
	case !p.header && len(p.log.seen)+len(p.log.listens) == 0:
		return nil, errors.New("it has no sockets: want the output of ss -tanpeio")
	}
	p.log.Records, p.log.Sockets = len(p.log.times), len(p.log.seen)
	return p.log, nil
}

type parser struct {
	log    *Log
	o      Options
	hidden *Hidden
	header bool // the title of ss was seen
}

// errWanted is what every other line gets.
var errWanted = errors.New("neither a line of ss -tanpeio nor a time (date +%s.%N, or date -Ins)")

func (p *parser) line(s string) error {
	if strings.TrimSpace(s) == "" || s[0] == ' ' || s[0] == '\t' { // -i continues on a line of its own
		return nil
	}
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "State", "Netid":
		p.header = true
		p.record()
		return nil
	case "tcp", "mptcp":
		word, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	case "udp", "udplite", "raw", "icmp6", "nl", "p_raw", "p_dgr", "u_str", "u_dgr", "u_seq", "vsock", "v_str", "v_dgr", "xdp", "ti_st", "ti_sq", "dccp", "sctp":
		return nil // ss without -t
	}
	state, isState := stateOf[word]
	if isState {
		p.record()
		return p.socket(state, rest)
	}
	at, resolution, err := parseTime(s)
	if err != nil {
		return err
	}
	return p.begin(at+p.o.Shift, resolution)
}

// record makes sure that there is a record to add to: one without a time.
func (p *parser) record() {
	if len(p.log.times) == 0 {
		p.log.times = []instant{{}}
	}
}

// begin begins the record of a time.
func (p *parser) begin(at, resolution int64) error {
	if n := len(p.log.times); n > 0 {
		last := p.log.times[n-1]
		if last.at == 0 {
			return errors.New("a time behind a record that has none: the time comes first")
		}
		if at < last.at {
			return errors.New("the time is before that of the record before")
		}
	}
	p.log.Dated = true
	p.log.times = append(p.log.times, instant{at, resolution})
	return nil
}

// add adds a socket to the last record.
func (p *parser) add(t tuple, s result.Socket) {
	l, now := p.log, len(p.log.times)-1
	l.ports[t.local.Port] = true
	if s.State == fsm.Listen {
		if _, known := l.listens[t.local]; known || len(l.listens) < maxEntries {
			l.listens[t.local] = entry{now, now, s}
		}
		return
	}
	l.local[t.local.Addr] = true
	entries := l.seen[t]
	if n := len(entries); n > 0 {
		if e := &entries[n-1]; e.last >= now-1 && same(&e.socket, &s) {
			e.last = now
			return
		}
	}
	if l.entries == maxEntries {
		l.Cut = true
		return
	}
	l.entries++
	l.seen[t] = append(entries, entry{now, now, s})
}

// same reports whether a later record says nothing new about a socket.
func same(a, b *result.Socket) bool {
	return a.State == b.State && a.Recv == b.Recv && a.Send == b.Send && a.Inode == b.Inode && a.Timer == b.Timer && a.Retries == b.Retries &&
		slices.Equal(a.Processes, b.Processes)
}
