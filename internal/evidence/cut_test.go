package evidence_test

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/evidence"
	"github.com/tcptrace-go/tcptrace/internal/packet"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// segments decodes a capture.
func segments(t testing.TB, content []byte) (segs []reassembly.Segment, end int64) {
	t.Helper()
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(content)})
	if errs != nil {
		t.Fatal(errs)
	}
	d := decode.New()
	for fr := (capture.Frame{}); trace.Next(&fr) == nil; {
		seg := reassembly.Segment{At: fr.At}
		if d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) == decode.OK {
			seg.At = fr.At
			segs = append(segs, seg)
		}
	}
	return segs, trace.End()
}

// pcapngOf makes a capture of segments.
func pcapngOf(segs []reassembly.Segment, end int64) []byte {
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	w.Begin(pcapng.Section{})
	tap, _ := w.Interface(pcapng.Interface{Link: 1})
	for i := range segs {
		seg := &segs[i]
		form := packet.Form{Src: [6]byte{2, byte(seg.Link)}}
		if seg.Tunnel != 0 {
			form.Tags = []uint16{uint16(seg.Tunnel%4094) + 1}
		}
		data, headers := packet.Append(nil, seg, form)
		w.Packet(&pcapng.Packet{Interface: tap, At: seg.At, Data: data, Len: headers + int(seg.Len)})
	}
	w.End(end)
	return b.Bytes()
}

// lengthen adds rounds of data and acknowledgment after the handshake that the
// segments begin with, or returns nil if they begin with none.
func lengthen(segs []reassembly.Segment, rounds int) []reassembly.Segment {
	const (
		data = 65_000 // as large as with segmentation offload
		pace = int64(20 * time.Millisecond)
	)
	if len(segs) < 4 || segs[0].Flags != reassembly.SYN || segs[1].Flags != reassembly.SYN|reassembly.ACK ||
		segs[2].Flags != reassembly.ACK || segs[2].Len != 0 || segs[2].Src != segs[0].Src || segs[2].Window == 0 ||
		segs[2].Seq != segs[0].Seq+1 || segs[2].Ack != segs[1].Seq+1 ||
		segs[0].Opts.MSS > data { // a loopback interface: windows that these would fill are small windows, and counted
		return nil
	}
	client, server := segs[2], segs[1]
	long := slices.Clone(segs[:3])
	at := segs[2].At
	for i := range rounds {
		down, up := client, client
		down.Src, down.Dst, down.Seq, down.Ack = server.Src, server.Dst, client.Ack+reassembly.Seq(i*data), client.Seq
		down.Len, down.Window, down.IPID, down.Opts = data, 60000, 0, reassembly.Options{}
		up.Ack, up.IPID, up.Opts = down.Seq+data, 0, reassembly.Options{}
		down.At, up.At = at+pace/2, at+pace
		at += pace
		long = append(long, down, up)
	}
	all := reassembly.Seq(rounds * data)
	for _, seg := range segs[3:] {
		seg.At += at - segs[2].At
		switch {
		case seg.Src == server.Src && seg.Dst == server.Dst:
			seg.Seq += all
		case seg.Src == client.Src && seg.Dst == client.Dst:
			seg.Ack += all
			for i := range seg.Opts.Blocks {
				seg.Opts.Blocks[i].From += all
				seg.Opts.Blocks[i].To += all
			}
		}
		long = append(long, seg)
	}
	return long
}

// However long a connection was before the finding, the finding does not need
// those frames.
func TestWrite_cut(t *testing.T) {
	const rounds, limit = 500, 400
	cuts := 0
	for name, content := range each(t) {
		segs, end := segments(t, content)
		long := lengthen(segs, rounds)
		if long == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			end += long[len(long)-1].At - segs[len(segs)-1].At
			for _, f := range prove(t, evidence.Options{MaxFrames: limit}, nil, save(t, pcapngOf(long, end))) {
				if few := 2 * 32 * (len(f.Finding.Evidence) + 1); f.Frames > limit+few { // before each evidence frame, and at the end
					t.Errorf("%d frames are kept of %d", f.Frames, len(long))
				}
				if f.Finding.Flow.Predecessor.Conn != 0 {
					commented(t, f.Path, "The previous connection of the same ports comes first")
				}
				if f.Cut > 0 {
					cuts++
					commented(t, f.Path, "of the connection were left out of this file")
				}
			}
		})
	}
	if cuts < 20 {
		t.Errorf("only %d connections were cut", cuts)
	}
}

func commented(t *testing.T, path, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(text)) {
		t.Errorf("%s does not say %q", path, text)
	}
}

// A handshake whose last ACK was data leaves something in flight. Its round trip
// must not be measured across the cut.
func TestWrite_cutAfterData(t *testing.T) {
	segs, end := segments(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	long := lengthen(segs, 500)
	if long == nil {
		t.Fatal("the sample does not begin with a handshake")
	}
	const pause = int64(time.Minute) // so that few of the later round trips are kept
	for i := len(long) - len(segs) + 3; i < len(long); i++ {
		long[i].At += pause
	}
	end += long[len(long)-1].At - segs[len(segs)-1].At
	client := &long[2] // it acknowledges with a request, which the next segments acknowledge
	const request = 100
	client.Len, client.Flags = request, client.Flags|reassembly.PSH
	for i := 3; i < len(long); i++ {
		if long[i].Src == client.Src {
			long[i].Seq += request
		} else {
			long[i].Ack += request
		}
	}
	for _, f := range prove(t, evidence.Options{MaxFrames: 400}, nil, save(t, pcapngOf(long, end))) {
		if f.Cut == 0 {
			t.Error("nothing was cut")
		}
	}
}

// A connection is replaced on its four-tuple hours later: the frames of others in
// between, which show that the capture continued, are not in the file.
func TestWrite_replacedLate(t *testing.T) {
	segs, _ := segments(t, scenarios(t)["samples/unretransmitted-fin.txtar/1"])
	last := segs[len(segs)-1]
	other := reassembly.Segment{Flags: reassembly.SYN, Src: last.Src, Dst: last.Dst}
	other.Src.Port++
	for range 6 {
		last.At += int64(40 * time.Minute)
		other.At = last.At
		segs = append(segs, other)
	}
	next := segs[0]
	next.At, next.Seq = last.At+int64(time.Second), next.Seq+1<<30
	answer := next
	answer.At, answer.Src, answer.Dst, answer.Flags, answer.Ack = next.At+int64(time.Millisecond), next.Dst, next.Src, reassembly.SYN|reassembly.ACK, next.Seq+1
	segs = append(segs, next, answer)
	for _, f := range prove(t, evidence.Options{}, nil, save(t, pcapngOf(segs, next.At+int64(time.Hour)))) {
		if f.Finding.End != next.At {
			t.Errorf("the finding ends at %d, the next connection began at %d", f.Finding.End, next.At)
		}
	}
}

// A connection that reused ports in TIME_WAIT is cut as any other, and keeps both
// openings: its predecessor's and its own.
func TestWrite_cutAfterPredecessor(t *testing.T) {
	const before, rounds, limit = 7, 500, 400
	all := scenarios(t)
	segs, _ := segments(t, all["detectors/testdata/early-reuse.txtar/1"])
	own, end := segments(t, all["samples/unretransmitted-fin.txtar/1"])
	long := lengthen(own, rounds)
	if long == nil || long[0].Src != segs[0].Src || long[0].Dst != segs[0].Dst {
		t.Fatal("the sample does not begin with a handshake between the same ports")
	}
	end += long[len(long)-1].At - own[len(own)-1].At
	const pause, beyond = int64(20 * time.Second), 1 << 28 // its ISNs are new
	segs = segs[:before]
	for _, seg := range long {
		seg.At += pause
		seg.Seq += beyond
		if seg.Flags&reassembly.ACK != 0 {
			seg.Ack += beyond
		}
		segs = append(segs, seg)
	}
	files := prove(t, evidence.Options{MaxFrames: limit}, nil, save(t, pcapngOf(segs, end+pause)))
	if len(files) == 0 {
		t.Error("nothing is found")
	}
	for _, f := range files {
		content, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		kept, _ := segments(t, content)
		syns := 0
		for i := range kept {
			if kept[i].Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN {
				syns++
			}
		}
		if f.Cut == 0 || f.Finding.Flow.Predecessor.Conn == 0 || syns != 2 {
			t.Errorf("%s: %d frames cut, predecessor %+v, %d SYNs", f.Finding.Detector, f.Cut, f.Finding.Flow.Predecessor, syns)
		}
	}
}
