package opening

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A RST without ACK ends no attempt, but its ACK field may show that a SYN had arrived.
func TestSYNUnanswered_gaveUp(t *testing.T) {
	for _, c := range []struct {
		name       string
		seq, field reassembly.Seq
		want       bool
	}{
		{"the number of the SYN", 7000, 101, true},
		{"another number", 7000, 102, false},
		{"none", 7000, 0, false},
		{"a refusal that forgot the flag", 0, 101, false},
	} {
		var conn fsm.Conn
		var ev fsm.Events
		var run detectors.Run
		r := detectors.NewReport(&detectors.Settings{})
		started := false
		for i, s := range []struct {
			fromB    bool
			flags    reassembly.Flags
			seq, ack reassembly.Seq
		}{
			{false, reassembly.SYN, 100, 0},
			{false, reassembly.SYN, 100, 0},
			{true, reassembly.RST, c.seq, c.field},
			{false, reassembly.SYN, 100, 0},
			{true, reassembly.SYN | reassembly.ACK, 9000, 101},
		} {
			seg := reassembly.Segment{At: int64(i+1) * 1e9, Frame: uint32(i + 1), Flags: s.flags, Seq: s.seq, Ack: s.ack, Window: 1000}
			seg.Src.Port, seg.Dst.Port = 1, 2
			if s.fromB {
				seg.Src.Port, seg.Dst.Port = 2, 1
			}
			if i == 0 {
				conn.Begin(&seg)
			}
			_, fromLo := reassembly.KeyOf(&seg)
			conn.Step(&seg, conn.SideOf(fromLo), nil, &ev)
			if !started {
				started = run.Start(r.About(&run, SYNUnanswered, conn.View()))
				continue
			}
			run.Deliver(&ev, r)
		}
		all := run.Findings()
		if len(all) != 1 {
			t.Fatalf("%s: %d findings, want 1", c.name, len(all))
		}
		said := strings.Contains(all[0].Message, "(frame 3)") && strings.Contains(all[0].Message, "an earlier SYN had arrived")
		if said != c.want || (all[0].Cause != "") != c.want {
			t.Errorf("%s: %s", c.name, all[0].Message)
		}
	}
}
