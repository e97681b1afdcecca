// Package pcapng writes pcapng files: packets with comments, of one or several
// interfaces, and when the capture ended.
package pcapng

import (
	"fmt"
	"io"
	"time"
)

// A Section is what a file says of itself. Empty fields are left out.
type Section struct {
	Comment     string
	Hardware    string
	System      string
	Application string // that wrote it
}

// An Interface is where packets were captured.
type Interface struct {
	Link        uint16 // number of the tcpdump.org link-layer header types list
	Snap        uint32 // most bytes captured of a packet, 0 for all
	Name        string
	Description string
	Filter      string // pcap-filter expression that chose the packets
	Micro       bool   // times in microseconds, else in nanoseconds
}

// A Packet is one captured frame.
type Packet struct {
	Interface int    // as Writer.Interface numbered it
	At        int64  // nanoseconds since 1970
	Data      []byte // what was captured
	Len       int    // bytes on the wire, at least len(Data)
	Comment   string // shown by Wireshark with the packet
}

// A Writer writes one section: its header, interfaces, packets, and statistics.
// Nothing is buffered, so that what was written is whole at any time. An error
// of the underlying writer is kept, and returned ever after.
//
// Who learns only at the end what the section is to say writes the rest first,
// elsewhere, and leaves out Begin.
type Writer struct {
	w     io.Writer
	block []byte // the one being written
	taps  []tap
	size  int64
	err   error
}

// A tap is an interface and what came from it.
type tap struct {
	micro   bool
	packets uint64
	lost    uint64
}

// NewWriter returns a Writer that has written nothing yet.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Size is how many bytes were written.
func (w *Writer) Size() int64 { return w.size }

// Begin writes the section header, which must come first.
func (w *Writer) Begin(s Section) error {
	const orderMagic, version, lengthUnknown = 0x1a2b3c4d, 1, 0xffffffffffffffff
	b := begin(w.block[:0], blockSection)
	b = le.AppendUint32(b, orderMagic)
	b = le.AppendUint32(b, version)
	b = le.AppendUint64(b, lengthUnknown)
	b = appendText(b, optComment, s.Comment)
	b = appendText(b, optHardware, s.Hardware)
	b = appendText(b, optSystem, s.System)
	b = appendText(b, optApplication, s.Application)
	return w.write(appendEnd(b))
}

// Interface describes an interface and returns its number. It may come at any
// time before the interface's first packet.
func (w *Writer) Interface(i Interface) (number int, err error) {
	const nano, micro = 9, 6 // negative powers of ten
	b := begin(w.block[:0], blockInterface)
	b = le.AppendUint32(b, uint32(i.Link))
	b = le.AppendUint32(b, i.Snap)
	b = appendText(b, optName, i.Name)
	b = appendText(b, optDescription, i.Description)
	if i.Filter != "" { // the first byte says that text follows
		b = appendText(b, optFilter, "\x00"+i.Filter)
	}
	resolution := byte(nano)
	if i.Micro {
		resolution = micro
	}
	b = align(append(appendCode(b, optResolution, 1), resolution))
	w.taps = append(w.taps, tap{micro: i.Micro})
	return len(w.taps) - 1, w.write(appendEnd(b))
}

// Packet writes a packet.
func (w *Writer) Packet(p *Packet) error {
	if p.Interface < 0 || p.Interface >= len(w.taps) {
		return fmt.Errorf("a packet of interface %d, of %d described", p.Interface, len(w.taps))
	}
	t := &w.taps[p.Interface]
	t.packets++
	b := begin(w.block[:0], blockPacket)
	b = le.AppendUint32(b, uint32(p.Interface))
	b = appendStamp(b, t.stamp(p.At))
	b = le.AppendUint32(b, uint32(len(p.Data)))
	b = le.AppendUint32(b, uint32(max(p.Len, len(p.Data))))
	b = align(append(b, p.Data...))
	if p.Comment != "" {
		b = appendEnd(appendText(b, optComment, p.Comment))
	}
	return w.write(b)
}

// Lost sets how many packets the system failed to hand over, from the start of
// the capture.
func (w *Writer) Lost(number int, packets uint64) { w.taps[number].lost = packets }

// End writes the statistics of every interface: the capture went on until at,
// in nanoseconds since 1970, and holds all that was received. They make silence
// up to then count. End may be called again after more packets.
func (w *Writer) End(at int64) error {
	for i := range w.taps {
		t := &w.taps[i]
		b := begin(w.block[:0], blockStatistics)
		b = le.AppendUint32(b, uint32(i))
		b = appendStamp(b, t.stamp(at))
		b = appendStamp(appendCode(b, optEndTime, 8), t.stamp(at))
		b = appendCount(b, optReceived, t.packets)
		if t.lost > 0 {
			b = appendCount(b, optOSDrop, t.lost)
		}
		if err := w.write(appendEnd(b)); err != nil {
			return err
		}
	}
	return w.err
}

// stamp is a time in units of the interface.
func (t *tap) stamp(at int64) uint64 {
	if t.micro {
		at /= int64(time.Microsecond)
	}
	return uint64(at)
}

// write closes the block in b and writes it.
func (w *Writer) write(b []byte) error {
	if w.err != nil {
		return w.err
	}
	w.block = end(b, 0)
	n, err := w.w.Write(w.block)
	w.size += int64(n)
	w.err = err
	return err
}
