package scenario

import (
	"bytes"
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// Pcapng makes a capture of scenario text with a single trace. See Trace.Pcapng.
func Pcapng(text []byte) ([]byte, error) {
	f, err := Parse("", text)
	if err != nil {
		return nil, err
	}
	if len(f.Traces) != 1 {
		return nil, fmt.Errorf("%d traces are not one capture; put each into a file of its own", len(f.Traces))
	}
	return f.Traces[0].Pcapng()
}

// Pcapng makes a capture of the trace: Ethernet frames cut after their headers,
// with correct checksums for a payload of zeroes. An interface statistics block
// states the end, so that silence up to it counts.
func (t *Trace) Pcapng() ([]byte, error) {
	const ethernet = 1
	var b bytes.Buffer // never returns an error
	w := pcapng.NewWriter(&b)
	w.Begin(pcapng.Section{Comment: "tcptrace scenario"})
	iface, _ := w.Interface(pcapng.Interface{Link: ethernet})
	var frame []byte
	last := t.Start
	for i := range t.Lines {
		l := &t.Lines[i]
		if last-l.Seg.At > int64(time.Second) { // the clock was set back, so it states an earlier end
			last = l.Seg.At
		}
		last = max(last, l.Seg.At)
		switch {
		case !l.Captured:
			continue
		case l.Other:
			w.Packet(&pcapng.Packet{Interface: iface, At: l.Seg.At, Data: otherPacket, Len: len(otherPacket)})
		case packet.OptionBytes(&l.Seg.Opts) > packet.MaxOptions:
			return nil, fmt.Errorf("%s: frame %d: the options do not fit into a TCP header", t.Name, l.Seg.Frame)
		default:
			var headers int
			frame, headers = appendPacket(frame[:0], &l.Seg)
			w.Packet(&pcapng.Packet{Interface: iface, At: l.Seg.At, Data: frame, Len: headers + packet.Payload(&l.Seg)})
		}
	}
	w.End(last)
	return b.Bytes(), nil
}
