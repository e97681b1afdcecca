package intake

import (
	"errors"
	"io"

	"github.com/tcptrace-go/tcptrace/beam/internal/chunk"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Reader splits files by connection.
type Reader struct {
	// Open opens an input.
	Open func(name string) (io.ReadCloser, error)
	// Emit gets each chunk with the key of its connection, and may keep both.
	Emit func(key, value []byte) error
	// Create creates a run and returns its name.
	Create func() (io.WriteCloser, string, error)
	// Travel is how many bytes of a connection may be emitted for one file. The
	// rest goes to a run.
	Travel int
	// Hold is how many bytes are held back to make chunks larger.
	Hold int
	// Together says that the connections of a file stay together, in chunks of their own: taps are
	// compared in one place.
	Together bool
}

// A Dead letter describes a file that could not be read, or not to its end.
type Dead struct {
	File   string `json:"file"`
	Frames uint64 `json:"frames"` // that were read
	Offset int64  `json:"offset"` // of the damaged record; -1 if there is none
	Reason string `json:"reason"`
}

// Read reads one file to its end, or to a damaged record, which the dead letter
// describes. The error is one of Emit or of a run.
func (r *Reader) Read(index uint16, name string) (*Stats, *Dead, error) {
	trace, _ := capture.OpenTrace([]string{name}, capture.Options{Open: r.Open, Text: scenario.Pcapng})
	defer trace.Close()
	decoder := decode.New()
	t := counter{trace: trace, decoder: decoder, Stats: Stats{Index: int(index)}}
	p := connections{Reader: r, file: index, conns: map[reassembly.Key]*conn{}}
	defer p.spill.close()
	var (
		fr  capture.Frame
		seg reassembly.Segment
	)
	for trace.Next(&fr) == nil {
		time := t.frame(&fr)
		for reason := range decoder.Packets(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) {
			if reason != decode.OK {
				t.rhythm.Other(uint32(fr.Link), fr.Data, fr.At)
			}
			switch reason {
			case decode.OK:
				t.Segments++
				t.numbers.Add(&seg)
			case decode.ICMPError: // concerns the connection whose segment it quotes
				t.skipped[reason]++
			default:
				t.skipped[reason]++
				continue
			}
			seg.At, seg.Frame, seg.File, seg.Missing = fr.At, fr.Num, index, fr.Missing
			if err := p.add(&seg, time); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := p.finish(); err != nil {
		return nil, nil, err
	}
	return t.stats(), letter(trace.Infos()[0]), nil
}

// letter is the dead letter of a file, nil if the file is good.
func letter(info capture.Info) *Dead {
	if info.Err == nil {
		return nil
	}
	d := &Dead{File: info.File, Frames: info.Packets, Offset: -1, Reason: info.Err.Error()}
	var damage *capture.Damage
	if errors.As(info.Err, &damage) {
		d.Offset, d.Reason = damage.Offset, damage.Reason
	}
	return d
}

// connections are those of a file.
type connections struct {
	*Reader
	file  uint16
	conns map[reassembly.Key]*conn
	held  int
	free  []*chunk.Builder
	spill spill
}

// A conn is what is held back of a connection.
type conn struct {
	builder   *chunk.Builder // nil if there is nothing
	travelled int            // bytes emitted
	run       []extent       // chunks in the spill file
}

// perBuilder is about the memory for a connection besides the bytes of its chunk.
const perBuilder = 1 << 10

func (p *connections) add(seg *reassembly.Segment, time int64) error {
	key, _ := reassembly.KeyOf(seg)
	if p.Together {
		key = reassembly.Key{}
	}
	c := p.conns[key]
	if c == nil {
		c = new(conn)
		p.conns[key] = c
	}
	if c.builder == nil {
		c.builder = p.builder()
		p.held += perBuilder
	}
	before := c.builder.Len()
	c.builder.Add(seg, time)
	p.held += c.builder.Len() - before
	if c.builder.Full() {
		return p.emit(&key, c)
	}
	if p.held > p.Hold {
		return p.flush()
	}
	return nil
}

// builder returns a new or a used builder.
func (p *connections) builder() *chunk.Builder {
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return new(chunk.Builder)
}

// emit emits the chunk of a connection, or writes it to the spill file.
func (p *connections) emit(key *reassembly.Key, c *conn) error {
	p.held -= c.builder.Len() + perBuilder
	value := c.builder.Finish(make([]byte, 0, c.builder.Len()+64), p.file)
	p.free, c.builder = append(p.free, c.builder), nil
	if c.run == nil && c.travelled+len(value) <= p.Travel {
		c.travelled += len(value)
		return p.Emit(appendKey(nil, key), value)
	}
	at, err := p.spill.append(value)
	c.run = append(c.run, at)
	return err
}

// flush emits everything that is held back. It forgets how much of small connections
// has travelled.
func (p *connections) flush() error {
	for key, c := range p.conns {
		if c.builder != nil {
			if err := p.emit(&key, c); err != nil {
				return err
			}
		}
		if c.run == nil && c.travelled < perBuilder {
			delete(p.conns, key)
		}
	}
	return nil
}

// finish emits the rest, and writes the runs.
func (p *connections) finish() error {
	for key, c := range p.conns {
		if c.builder != nil {
			if err := p.emit(&key, c); err != nil {
				return err
			}
		}
		if c.run == nil {
			continue
		}
		value, err := p.writeRun(c.run)
		if err != nil {
			return err
		}
		if err := p.Emit(appendKey(nil, &key), value); err != nil {
			return err
		}
	}
	return nil
}

// writeRun writes the chunks of a connection to a run, and returns what travels
// instead.
func (p *connections) writeRun(chunks []extent) (value []byte, err error) {
	w, name, err := p.Create()
	if err != nil {
		return nil, err
	}
	var buf []byte
	for i, at := range chunks {
		body, err := p.spill.read(at)
		if err != nil {
			w.Close()
			return nil, err
		}
		if i == 0 {
			value = chunk.Run(body, name)
		}
		buf = chunk.AppendToRun(buf[:0], body)
		if _, err := w.Write(buf); err != nil {
			w.Close()
			return nil, err
		}
	}
	return value, w.Close()
}
