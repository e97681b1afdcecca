// Package pcapng writes pcapng files: packets with comments, from one or several
// interfaces, and the end of the capture.
package pcapng

import (
	"fmt"
	"io"
	"time"
)

// A Section describes the file. Empty fields are left out.
type Section struct {
	Comment     string
	Hardware    string
	System      string
	Application string // that wrote the file
}

// An Interface is where packets were captured.
type Interface struct {
	Link        uint16 // number of the tcpdump.org link-layer header types list
	Snap        uint32 // maximum of captured bytes of a packet, 0 for all
	Name        string
	Description string
	Filter      string // pcap-filter expression that selected the packets
	Micro       bool   // times in microseconds instead of nanoseconds
}

// A Packet is one captured frame.
type Packet struct {
	Interface int    // number from Writer.Interface
	At        int64  // nanoseconds since 1970
	Data      []byte // captured bytes
	Len       int    // bytes on the wire, at least len(Data)
	Comment   string // Wireshark shows it with the packet
}

// A Writer writes one section: its header, interfaces, packets and statistics. It
// does not buffer, so that the file is complete at any time. After an error of the
// underlying writer, every call returns that error.
//
// If the section's description is known only at the end, write the rest first, to
// another place, without Begin.
type Writer struct {
	w      io.Writer
	block  []byte // the one being written
	ifaces []iface
	size   int64
	err    error
}

// An iface is an interface, with the number of its packets.
type iface struct {
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

// Interface adds an interface and returns its number. Call it before the
// interface's first packet.
func (w *Writer) Interface(i Interface) (number int, err error) {
	const nano, micro = 9, 6 // negative powers of ten
	b := begin(w.block[:0], blockInterface)
	b = le.AppendUint32(b, uint32(i.Link))
	b = le.AppendUint32(b, i.Snap)
	b = appendText(b, optName, i.Name)
	b = appendText(b, optDescription, i.Description)
	if i.Filter != "" { // byte 0: a string follows
		b = appendText(b, optFilter, "\x00"+i.Filter)
	}
	resolution := byte(nano)
	if i.Micro {
		resolution = micro
	}
	b = align(append(appendCode(b, optResolution, 1), resolution))
	w.ifaces = append(w.ifaces, iface{micro: i.Micro})
	return len(w.ifaces) - 1, w.write(appendEnd(b))
}

// Packet writes a packet.
func (w *Writer) Packet(p *Packet) error {
	if p.Interface < 0 || p.Interface >= len(w.ifaces) {
		return fmt.Errorf("a packet of interface %d, of %d described", p.Interface, len(w.ifaces))
	}
	t := &w.ifaces[p.Interface]
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

// Lost sets how many packets the system has lost since the start of the capture.
func (w *Writer) Lost(number int, packets uint64) { w.ifaces[number].lost = packets }

// End writes the statistics of every interface, which state that the capture
// continued until at, in nanoseconds since 1970, and has all received packets.
// So silence up to at counts. End may be called again after more packets.
func (w *Writer) End(at int64) error {
	for i := range w.ifaces {
		t := &w.ifaces[i]
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

// stamp is a time in the interface's units.
func (t *iface) stamp(at int64) uint64 {
	if t.micro {
		at /= int64(time.Microsecond)
	}
	return uint64(at)
}

// write finishes the block in b and writes it.
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
