package textcap_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Printers that are not installed, as their manuals show them.

var ownPrinters = map[string]func(file string) ([]byte, error){
	"snoop -r": func(file string) ([]byte, error) { return printed(file, snoopLine) },
	"show capture": func(file string) ([]byte, error) {
		return printed(file, showCaptureLine)
	},
	"tcpdump -nn, 80 columns":        func(file string) ([]byte, error) { return wrapped(80, "tcpdump", "-nn", "-r", file) },
	"tcpdump -nn -vv -e, 80 columns": func(file string) ([]byte, error) { return wrapped(80, "tcpdump", "-nn", "-vv", "-e", "-r", file) },
}

// printed prints a line for each segment of a capture, and another for other packets.
func printed(file string, line func(b *bytes.Buffer, num int, at time.Duration, seg *reassembly.Segment)) ([]byte, error) {
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	defer trace.Close()
	var (
		b     bytes.Buffer
		fr    capture.Frame
		seg   reassembly.Segment
		d     = decode.New()
		start = int64(-1)
	)
	for num := 1; trace.Next(&fr) == nil; num++ {
		if start < 0 {
			start = fr.At
		}
		at := time.Duration(fr.At - start)
		if d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) == decode.OK {
			if seg.Opts.Has&(reassembly.OptionsCut|reassembly.OptionsMalformed) != 0 {
				return nil, nil // nobody knows how they show that
			}
			line(&b, num, at, &seg)
		} else {
			line(&b, num, at, nil)
		}
	}
	return b.Bytes(), nil
}

// snoopLine is a line of Solaris' snoop -ta -r.
func snoopLine(b *bytes.Buffer, num int, at time.Duration, seg *reassembly.Segment) {
	fmt.Fprintf(b, "%3d  %v ", num, time.Time{}.Add(at).Format("15:04:05.00000"))
	if seg == nil {
		fmt.Fprintln(b, "192.0.2.1 -> 192.0.2.2 UDP D=53 S=4000 LEN=20")
		return
	}
	fmt.Fprintf(b, "%v -> %v TCP D=%d S=%d", seg.Src.AddrPort().Addr(), seg.Dst.AddrPort().Addr(), seg.Dst.Port, seg.Src.Port)
	for _, f := range []struct {
		bit  reassembly.Flags
		name string
	}{{reassembly.SYN, "Syn"}, {reassembly.FIN, "Fin"}, {reassembly.RST, "Rst"}, {reassembly.PSH, "Push"}, {reassembly.URG, "Urg"}} {
		if seg.Flags.Has(f.bit) {
			fmt.Fprint(b, " ", f.name)
		}
	}
	if seg.Flags.Has(reassembly.ACK) {
		fmt.Fprintf(b, " Ack=%d", uint32(seg.Ack))
	}
	fmt.Fprintf(b, " Seq=%d Len=%d Win=%d", uint32(seg.Seq), seg.Len, seg.Window)
	if o := optionList(seg, "tstamp"); o != "" {
		fmt.Fprintf(b, " Options=<%s>", o)
	}
	fmt.Fprintln(b)
}

// showCaptureLine is a line of Cisco ASA's show capture, which has no sequence number of an empty segment.
func showCaptureLine(b *bytes.Buffer, num int, at time.Duration, seg *reassembly.Segment) {
	fmt.Fprintf(b, "%4d: %v       ", num, time.Time{}.Add(at).Format("15:04:05.000000"))
	if seg == nil {
		fmt.Fprintln(b, "192.0.2.1.4000 > 192.0.2.2.53:  udp 20")
		return
	}
	flags := ""
	for i, c := range "FSRP" {
		if seg.Flags&(1<<i) != 0 {
			flags += string(c)
		}
	}
	numbered := flags != "" || seg.Len > 0
	if flags == "" {
		flags = "."
	}
	src, dst := seg.Src.AddrPort(), seg.Dst.AddrPort()
	fmt.Fprintf(b, "%v.%d > %v.%d: %s", src.Addr(), src.Port(), dst.Addr(), dst.Port(), flags)
	if numbered {
		fmt.Fprintf(b, " %d:%d(%d)", uint32(seg.Seq), uint32(seg.Seq)+seg.Len, seg.Len)
	}
	if seg.Flags.Has(reassembly.ACK) {
		fmt.Fprintf(b, " ack %d", uint32(seg.Ack))
	}
	fmt.Fprintf(b, " win %d", seg.Window)
	if o := optionList(seg, "timestamp"); o != "" {
		fmt.Fprintf(b, " <%s>", o)
	}
	fmt.Fprintln(b)
}

// optionList are options as tcpdump 3 printed them.
func optionList(seg *reassembly.Segment, timestamp string) string {
	var list []string
	o := &seg.Opts
	if o.Has&reassembly.HasMSS != 0 {
		list = append(list, fmt.Sprintf("mss %d", o.MSS))
	}
	if o.Has&reassembly.HasScale != 0 {
		list = append(list, fmt.Sprintf("wscale %d", o.Scale))
	}
	if o.Has&reassembly.HasSACKPermitted != 0 {
		list = append(list, "sackOK")
	}
	if o.Has&reassembly.HasTimestamps != 0 {
		list = append(list, fmt.Sprintf("%s %d %d", timestamp, o.TSVal, o.TSEcr))
	}
	if o.NBlocks > 0 {
		sack := fmt.Sprintf("sack %d ", o.NBlocks)
		for _, block := range o.Blocks[:o.NBlocks] {
			sack += fmt.Sprintf("{%d:%d}", uint32(block.From), uint32(block.To))
		}
		list = append(list, sack)
	}
	return strings.Join(list, ",")
}

// wrapped is what a command prints on a terminal of so many columns.
func wrapped(columns int, command ...string) ([]byte, error) {
	text, err := exec.Command(command[0], command[1:]...).Output()
	var b []byte
	for line := range bytes.Lines(text) {
		for len(line) > columns+1 {
			b = append(append(b, line[:columns]...), '\n')
			line = line[columns:]
		}
		b = append(b, line...)
	}
	return b, err
}
