package tcptrace

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/google/gopacket"

	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// AnalyzePackets is [Analyze] for packets that a program has from gopacket: a handle of
// its pcap, pcapgo or afpacket packages, up to io.EOF. link is the handle's link type, by
// its number in the tcpdump.org list. Frames are numbered from 1 in the order in which
// they come. An error of the source is one of the errors returned; if ctx ends, it is
// not read any more.
func AnalyzePackets(ctx context.Context, o Options, link uint16, packets gopacket.PacketDataSource) (*Report, error) {
	r, w := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		err := copyPackets(w, link, packets)
		failed <- err
		w.Close()
	}()
	report, err := analyze(ctx, o, r, "-")
	r.Close() // the next write fails
	select {
	case e := <-failed:
		if !errors.Is(e, io.ErrClosedPipe) {
			err = errors.Join(err, e)
		}
	default: // the source has not returned since ctx ended
	}
	return report, err
}

// copyPackets writes the packets as pcapng.
func copyPackets(to io.Writer, link uint16, packets gopacket.PacketDataSource) error {
	b := bufio.NewWriterSize(to, 64<<10)
	w := pcapng.NewWriter(b)
	w.Begin(pcapng.Section{})
	w.Interface(pcapng.Interface{Link: link})
	for {
		data, info, err := packets.ReadPacketData()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return errors.Join(err, b.Flush())
		}
		p := pcapng.Packet{At: info.Timestamp.UnixNano(), Data: data, Len: max(info.Length, len(data))}
		if err := w.Packet(&p); err != nil {
			return err
		}
	}
}
