package packed

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Record is a segment and its position among all TCP segments of the trace,
// from 1 on.
type Record struct {
	Position uint64
	reassembly.Segment
}

const (
	maxTime = 1<<62 - 1 // as in package capture: sums of two times do not overflow
	maxLen  = 1 << 30   // no window is larger (RFC 7323 2.3)
)

// A Decoder reads a chunk; that of the zero value is empty. Whatever the bytes are,
// it ends, and its memory is at most a small multiple of their number.
type Decoder struct {
	state
	chunk []byte
	off   int
	pairs []pair
	bad   string // why the current record is invalid, "" if it is not
}

// Reset starts to read a chunk, which must not change meanwhile.
func (d *Decoder) Reset(chunk []byte) {
	d.state.reset()
	d.chunk, d.off, d.pairs, d.bad = chunk, 0, d.pairs[:0], ""
}

// Next reads a segment into all fields of rec. It returns io.EOF at the end of the
// chunk. After an invalid record, it always returns the same error, which has the
// offset.
func (d *Decoder) Next(rec *Record) error {
	if d.off == len(d.chunk) && d.bad == "" {
		return io.EOF
	}
	if start := d.off; d.bad == "" {
		if d.record(rec); d.bad != "" {
			d.off = start
		}
	}
	if d.bad != "" {
		return fmt.Errorf("the record at byte %d of the chunk %s", d.off, d.bad)
	}
	return nil
}

func (d *Decoder) record(rec *Record) {
	seg := &rec.Segment
	ref := d.uvarint()
	p, dir := d.pair(ref)
	if p == nil {
		return
	}
	seg.Src, seg.Dst = p.ends[dir], p.ends[1-dir]
	step := d.uvarint()
	if step == 0 || d.position+step < step {
		d.wrong("does not come after the previous one")
		return
	}
	mask := d.uvarint()
	if mask > knownFields {
		d.wrong("has unknown fields")
		return
	}
	since := d.varint()
	if mask&inNanoseconds == 0 {
		if since > maxTime/1000 || since < -maxTime/1000 {
			d.wrong("has an impossible time")
			return
		}
		since *= 1000
	}
	at := d.at + since
	if at < 0 || at > maxTime {
		d.wrong("has an impossible time")
		return
	}
	if mask&hasFile != 0 {
		file := d.uvarint()
		if file > 1<<16-1 {
			d.wrong("has an impossible file number")
			return
		}
		d.change(uint16(file))
	}
	frame := uint64(d.frame) + step
	if mask&hasFrame != 0 {
		frame += uint64(d.varint())
	}
	if frame > math.MaxUint32 { // 0 comes after that: numbers begin again
		d.wrong("has an impossible frame number")
		return
	}
	l := p.direction(dir)
	d.fields(l, mask, seg)
	d.icmp(mask, seg)
	seg.Missing = 0
	if mask&hasMissing != 0 {
		seg.Missing = reassembly.Missing(d.byte())
	}
	if mask&hasTap != 0 {
		d.tap = d.byte()
	}
	d.position, d.at, d.frame = d.position+step, at, uint32(frame)
	rec.Position, seg.At, seg.Frame, seg.File, seg.Tap = d.position, at, uint32(frame), d.file, d.tap
	if !seg.IsQuote() {
		l.update(seg)
	}
}

// pair is the connection of a record, and the direction.
func (d *Decoder) pair(ref uint64) (*pair, int) {
	switch {
	case d.bad != "":
		return nil, 0
	case ref == 0:
		return d.ends(), 0
	case ref-1 >= uint64(len(d.pairs))<<1:
		d.wrong("refers to a connection that the chunk does not have")
		return nil, 0
	}
	return &d.pairs[(ref-1)>>1], int(ref-1) & 1
}

// ends reads a connection's endpoints.
func (d *Decoder) ends() *pair {
	var p pair
	switch family := d.byte(); {
	case d.bad != "":
		return nil
	case family == 4:
		b := d.bytes(12)
		if b == nil {
			return nil
		}
		p.ends[0].Addr, p.ends[1].Addr = [16]byte{10: 0xff, 11: 0xff}, [16]byte{10: 0xff, 11: 0xff}
		copy(p.ends[0].Addr[12:], b)
		copy(p.ends[1].Addr[12:], b[4:])
		setPorts(&p, b[8:])
	case family == 6:
		b := d.bytes(36)
		if b == nil {
			return nil
		}
		copy(p.ends[0].Addr[:], b)
		copy(p.ends[1].Addr[:], b[16:])
		setPorts(&p, b[32:])
	default:
		d.wrong("has an address of an unknown family")
		return nil
	}
	d.pairs = append(d.pairs, p)
	return &d.pairs[len(d.pairs)-1]
}

func setPorts(p *pair, b []byte) {
	p.ends[0].Port, p.ends[1].Port = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
}

// fields reads the fields of a segment. Those that are missing are as expected.
func (d *Decoder) fields(l *direction, mask uint64, seg *reassembly.Segment) {
	seg.Flags, seg.Len, seg.Seq, seg.Ack, seg.Window, seg.IPID = l.flags, l.length, l.next, l.ack, l.window, l.expectIPID()
	seg.TTL, seg.Tunnel, seg.Link = l.ttl, l.tunnel, l.link
	seg.Opts = reassembly.Options{Has: l.options}
	if mask&hasFlags != 0 {
		seg.Flags = reassembly.Flags(d.byte())
	}
	if mask&hasLen != 0 {
		n := d.uvarint()
		if n > maxLen {
			d.wrong("is longer than any segment")
		}
		seg.Len = uint32(n)
	}
	if mask&hasSeq != 0 {
		seg.Seq += reassembly.Seq(d.varint())
	}
	if mask&hasAck != 0 {
		seg.Ack += reassembly.Seq(d.varint())
	}
	if mask&hasWindow != 0 {
		seg.Window += uint16(d.varint())
	}
	if mask&hasIPID != 0 {
		seg.IPID += uint16(d.varint())
	}
	if mask&hasPath != 0 {
		if b := d.bytes(9); b != nil {
			seg.TTL, seg.Tunnel, seg.Link = b[0], binary.LittleEndian.Uint32(b[1:]), binary.LittleEndian.Uint32(b[5:])
		}
	}
	d.options(l, mask, seg)
}

func (d *Decoder) options(l *direction, mask uint64, seg *reassembly.Segment) {
	o := &seg.Opts
	if mask&hasOptions != 0 {
		o.Has = reassembly.OptionBits(d.byte())
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		o.TSVal = l.tsVal + uint32(d.varint())
		o.TSEcr = l.tsEcr + uint32(d.varint())
	}
	if o.Has&reassembly.HasMSS != 0 {
		o.MSS = uint16(d.uvarint())
	}
	if o.Has&reassembly.HasScale != 0 {
		o.Scale = d.byte()
	}
	if mask&hasBlocks == 0 {
		return
	}
	n := d.byte()
	if n == 0 || int(n) > len(o.Blocks) {
		d.wrong("has an impossible number of SACK blocks")
		return
	}
	o.NBlocks = n
	for i := range o.Blocks[:n] {
		k := &o.Blocks[i]
		k.From = seg.Ack + reassembly.Seq(d.varint())
		k.To = k.From + reassembly.Seq(d.varint())
	}
}

// icmp reads the ICMP error of a quote.
func (d *Decoder) icmp(mask uint64, seg *reassembly.Segment) {
	seg.ICMP = reassembly.ICMP{}
	if mask&hasICMP == 0 {
		return
	}
	b := d.bytes(20)
	if b == nil {
		return
	}
	seg.ICMP = reassembly.ICMP{Type: b[0], Code: b[1]}
	if !seg.IsQuote() || seg.Opts.NBlocks != 0 {
		d.wrong("has an impossible ICMP error")
	}
	seg.SetMTU(binary.BigEndian.Uint16(b[2:]))
	seg.SetReporter([16]byte(b[4:]))
}

// wrong records the first problem.
func (d *Decoder) wrong(what string) {
	if d.bad == "" {
		d.bad = what
	}
}

func (d *Decoder) byte() byte {
	if d.off == len(d.chunk) {
		d.wrong("is cut off")
		return 0
	}
	d.off++
	return d.chunk[d.off-1]
}

func (d *Decoder) bytes(n int) []byte {
	if len(d.chunk)-d.off < n {
		d.wrong("is cut off")
		return nil
	}
	d.off += n
	return d.chunk[d.off-n : d.off]
}

func (d *Decoder) uvarint() uint64 {
	if d.off < len(d.chunk) && d.chunk[d.off] < 0x80 {
		d.off++
		return uint64(d.chunk[d.off-1])
	}
	v, n := binary.Uvarint(d.chunk[d.off:])
	if n <= 0 {
		d.wrong("has a number that is cut off or too large")
		return 0
	}
	d.off += n
	return v
}

func (d *Decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}
