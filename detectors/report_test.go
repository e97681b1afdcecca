package detectors

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What a capture may have missed makes an absence undecided; nothing else is.
func TestFinding_Doubt(t *testing.T) {
	for l := range fsm.Limits(19) {
		limit := fsm.Limits(1) << l
		f := Finding{Absence: AnyAbsence, Limits: limit}
		f.Doubt()
		hides := limit&(fsm.OneSided|fsm.AcksFiltered|fsm.KernelDrops|fsm.Evicted|fsm.FromText) != 0
		if got := f.Verdict == Undecided; got != hides || got != (f.Reason != "") {
			t.Errorf("an absence with the limit %v is undecided: %t, reason %q", limit, got, f.Reason)
		}
		f = Finding{Limits: limit}
		if f.Doubt(); f.Verdict != Seen && limit&(fsm.TimeUnknown|fsm.Incomplete) == 0 {
			t.Errorf("a finding that rests on no absence is undecided with the limit %v", limit)
		}
		f = Finding{Limits: limit, Needs: fsm.Text | fsm.SeqUnknown}
		if f.Doubt(); (f.Verdict == Undecided) != (limit&fsm.FromText != 0) {
			t.Errorf("a finding that needs what text lacks is %v with the limit %v", f.Verdict, limit)
		}
	}
}

// A hole within the second before the absence may be where the answer was.
func TestReport_Absence_hole(t *testing.T) {
	const hole = 100 * time.Second
	var c fsm.Conn
	var events fsm.Events
	step := func(side reassembly.Side, at time.Duration, flags reassembly.Flags, seq, ack reassembly.Seq) {
		seg := reassembly.Segment{At: int64(time.Hour + at), Flags: flags, Seq: seq, Ack: ack}
		seg.Src.Port, seg.Dst.Port = 1000+uint16(side), 1001-uint16(side)
		if c.First() == 0 {
			c.Begin(&seg)
		}
		_, fromLo := reassembly.KeyOf(&seg)
		c.Step(&seg, c.SideOf(fromLo), nil, &events)
	}
	step(0, 0, reassembly.SYN, 0, 0)
	step(1, 0, reassembly.SYN|reassembly.ACK, 0, 1)
	step(0, 0, reassembly.ACK, 1, 1)
	step(1, hole, reassembly.ACK, 1, 500) // 499 bytes that were not captured
	for since, want := range map[time.Duration]Verdict{
		hole: Undecided, hole + time.Second: Undecided, hole + 1999*time.Millisecond: Undecided, hole + 2*time.Second: Seen, hole + time.Minute: Seen,
	} {
		r := Report{Conn: c.View(), detector: new(Detector)}
		var f Finding
		if r.Absence(&f, int64(time.Hour+since)); f.Verdict != want {
			t.Errorf("absent since %v, with a hole at %v: %v, want %v", since, hole, f.Verdict, want)
		}
	}
}

// A sideWatcher wants what only B sends, and notes the events that it is given.
type sideWatcher struct{ given []fsm.Event }

func (w *sideWatcher) Event(ev fsm.Event, r *Report) {
	w.given = append(w.given, ev)
	r.SubscribeSides(0, fsm.On(fsm.Sent))
}

// Who subscribes to the events of one side is given none of the other's.
func TestReport_SubscribeSides(t *testing.T) {
	var (
		c      fsm.Conn
		events fsm.Events
		run    Run
		w      sideWatcher
	)
	r := NewReport(&Settings{})
	d := &Detector{Name: "sides", SubscribesTo: fsm.On(fsm.Sent), Watch: func(*Report) Watcher { return &w }}
	for i, side := range []reassembly.Side{reassembly.A, reassembly.A, reassembly.B, reassembly.A, reassembly.B} {
		seg := reassembly.Segment{At: int64(i+1) * 1e6, Frame: uint32(i + 1), Flags: reassembly.ACK, Seq: 1, Ack: 1}
		seg.Src.Port, seg.Dst.Port = 1000+uint16(side), 1001-uint16(side)
		if i == 0 {
			c.Begin(&seg)
			run.Start(r.About(&run, d, c.View()))
		}
		c.Step(&seg, side, nil, &events)
		if wants := events.Any(run.Subscribed()); wants != (i == 0 || side == reassembly.B) {
			t.Errorf("segment %d of side %v: it wants any of its events: %t", i+1, side, wants)
		}
		run.Deliver(&events, r)
	}
	if len(w.given) != 3 || w.given[1].Side != reassembly.B || w.given[2].Side != reassembly.B {
		t.Errorf("it was given %+v, want the first segment and two of B", w.given)
	}
}
