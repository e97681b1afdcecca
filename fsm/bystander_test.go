package fsm

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A doubtful RST that nothing follows is an event of the end like any other: with its
// segment, and itself as what it goes back to; by then both ends have closed.
func TestEnd_doubtfulReset(t *testing.T) {
	w := newWire().open(time.Second)
	w.send(0, time.Second, rst, 2, 0, 0)
	if !w.ev.Kinds.Has(ResetDoubted) {
		t.Fatal("the RST is not doubtful")
	}
	doubted := w.conn.View().Last(0)
	w.conn.End(&w.ev)
	if w.ev.Len() != 1 {
		t.Fatalf("the end brings %d events, want one", w.ev.Len())
	}
	ev := w.ev.At(0)
	if ev.Kind != ResetSent || ev.Side != 0 || ev.Class != Rst || ev.Was == nil || *ev.Was != doubted || reassembly.MarkOf(ev.Seg) != doubted {
		t.Errorf("the end brings %+v, of %+v; want ResetSent, of %+v", ev, ev.Was, doubted)
	}
	if closed := [2]State{Closed, Closed}; w.ev.Before != closed {
		t.Errorf("the states are %v, want %v", w.ev.Before, closed)
	}
	if side, is := w.conn.ResetBy(); !is || side != 0 {
		t.Error("the RST does not count")
	}
	if w.conn.End(&w.ev); w.ev.Len() != 0 {
		t.Error("the end comes twice")
	}
}

// other is a segment of another connection on the four-tuple of w, given to w.
func (w *wire) other(begins, waits bool, class Class, side reassembly.Side, flags reassembly.Flags, seq, ackNo uint32, ev *Events) (aside Events, reused bool) {
	s := reassembly.Segment{At: int64(time.Hour + w.now), Flags: flags, Seq: w.iss[side] + reassembly.Seq(seq), Ack: w.iss[side.Peer()] + reassembly.Seq(ackNo)}
	ev.Class = class
	if class == Syn {
		ev.Kinds |= On(Opened)
	}
	var next Conn
	next.Begin(&s)
	reused = w.conn.Bystand(&Bystander{Seg: &s, Side: side, Conn: &next, Begins: begins, Waits: waits, TimeWait: time.Minute}, ev, &aside)
	return aside, reused
}

// What a SYN means for the older connections of its four-tuple.
func TestBystand_SYN(t *testing.T) {
	var ev Events
	w := newWire()
	w.send(0, time.Second, syn, 0, 0, 0)
	w.now += time.Second
	if aside, _ := w.other(true, false, Syn, 0, syn, 1<<20, 0, &ev); aside.Kinds != 0 {
		t.Errorf("kinds %x where another connection is meant", aside.Kinds)
	}
	aside, reused := w.other(true, true, Syn, 0, syn, 1<<20, 0, &ev)
	if aside.Kinds != On(SynRenewed) || aside.At(0).Was == nil || reused {
		t.Errorf("kinds %x, reused %t: want the SYN renewed", aside.Kinds, reused)
	}
	if st, _ := w.conn.State(0, 0, 0); st != Closed {
		t.Errorf("the older connection is %v at the end that has begun another", st)
	}
}

// Of several connections in TIME_WAIT, a SYN takes the ports of the one that spoke last.
func TestBystand_reused(t *testing.T) {
	ends := func(d time.Duration) *wire {
		w := newWire().open(time.Second)
		w.send(1, d, fin, 1, 0, 1)
		w.send(0, 0, fin, 1, 0, 2)
		w.send(1, 0, ack, 2, 0, 2)
		return w
	}
	old, late := ends(time.Second), ends(2*time.Second)
	for _, order := range [][]*wire{{old, late}, {late, old}} {
		var ev Events
		for _, w := range order {
			_, reused := w.other(true, false, Syn, 0, syn, 1<<20, 0, &ev)
			if want := w == late || w == order[0]; reused != want {
				t.Errorf("reused: %t, want %t", reused, want)
			}
		}
		if ev.Len() != 1 || ev.At(0).Kind != ReusedEarly || ev.At(0).N != 1 || *ev.At(0).Was != late.conn.View().Last(1) {
			t.Errorf("%d events, the first %+v of %+v", ev.Len(), ev.At(0), ev.At(0).Was)
		}
	}
}

// What was said on an older connection about an unanswered SYN.
func TestBystand_challenge(t *testing.T) {
	w := newWire()
	w.send(0, time.Second, syn, 0, 0, 0)
	var ev Events
	if aside, _ := w.other(false, false, ChallengeAck, 1, ack, 7000, 9000, &ev); aside.Kinds != 0 {
		t.Errorf("kinds %x where another connection is meant", aside.Kinds)
	}
	if aside, _ := w.other(false, true, ChallengeAck, 1, ack, 7000, 9000, &ev); aside.Kinds != On(SynChallenged) {
		t.Errorf("the challenge ACK brings kinds %x", aside.Kinds)
	}
	if aside, _ := w.other(false, true, Rst, 0, rst, 9000, 0, &ev); aside.Kinds != On(ChallengeRst) {
		t.Errorf("the RST brings kinds %x", aside.Kinds)
	}
}

// A host has one socket for a four-tuple: which of two connections has it, if a SYN comes
// in the host's name while it has another one.
func TestBystand_oneSocket(t *testing.T) {
	tests := []struct {
		name    string
		like    func(syn *reassembly.Segment)
		state   State // of the SYN's sender, in the connection that it begins
		bounded bool
		old     State // in the older one
	}{
		{"another socket's IP ID", func(s *reassembly.Segment) { s.IPID = 60000 }, SynSent, true, Closed},
		{"the next IP ID", func(s *reassembly.Segment) { s.IPID = 5 }, SynSent, false, Closed},
		{"an IP ID 16 further", func(s *reassembly.Segment) { s.IPID = 20 }, SynSent, false, Closed},
		{"an IP ID 17 further", func(s *reassembly.Segment) { s.IPID = 21 }, SynSent, true, Closed},
		{"another TTL", func(s *reassembly.Segment) { s.IPID, s.TTL = 5, 2 }, Closed, false, Established},
	}
	for _, tt := range tests {
		w, next := newWire().open(time.Second), newWire()
		w.send(0, time.Second, ack, 1, 0, 1) // IP ID 4, one after its last
		next.now = w.now
		var seg reassembly.Segment
		next.like = func(s *reassembly.Segment) { s.Seq += 1 << 20; tt.like(s); seg = *s }
		next.send(0, time.Second, syn, 0, 0, 0)
		var aside Events
		w.conn.Bystand(&Bystander{Seg: &seg, Conn: &next.conn, Begins: true, TimeWait: time.Minute}, &next.ev, &aside)
		st, _ := next.conn.State(0, seg.At, time.Minute)
		old, _ := w.conn.State(0, seg.At, time.Minute)
		if st != tt.state || next.conn.Bounded(0) != tt.bounded || old != tt.old {
			t.Errorf("%s: %v (bounded: %t), and %v in the older connection; want %v (%t), %v", tt.name, st, next.conn.Bounded(0), old, tt.state, tt.bounded, tt.old)
		}
		if !tt.bounded {
			continue
		}
		rst := reassembly.Segment{At: seg.At + 1, Flags: rst, Seq: w.iss[0] + 1}
		next.conn.Bystand(&Bystander{Seg: &rst, Conn: &w.conn, Waits: true}, &Events{Class: Rst}, &aside)
		if next.conn.Bounded(0) {
			t.Errorf("%s: bounded after the RST that the sender sends into the older connection", tt.name)
		}
	}
}

// A RST that refuses another SYN ends a connection that its sender had not yet accepted
// (random kernel case 9), and none that it has.
func TestBystand_refused(t *testing.T) {
	tests := []struct {
		name    string
		opened  bool // the older connection's handshake is complete
		flags   reassembly.Flags
		want    State // of the server there
		another bool  // the server has accepted the other SYN before
	}{
		{"in SYN_RECEIVED", false, rst | ack, Closed, false},
		{"in ESTABLISHED", true, rst | ack, Established, false},
		{"a RST that refuses nothing", false, rst | ack, SynReceived, true},
		{"a RST that does not acknowledge the SYN", false, rst, SynReceived, false},
	}
	for _, tt := range tests {
		w, next := newWire(), newWire()
		if tt.opened {
			w.open(time.Second)
		} else {
			w.send(0, time.Second, syn, 0, 0, 0)
			w.send(1, time.Second, syn|ack, 0, 0, 1)
		}
		next.now = w.now
		next.iss[0] += 500
		next.send(0, 0, syn, 0, 0, 0)
		if tt.another {
			next.send(1, time.Second, syn|ack, 0, 0, 1)
		}
		var seg reassembly.Segment
		next.like = func(s *reassembly.Segment) { seg = *s }
		next.send(1, time.Second, tt.flags, 1, 0, 1)
		var aside Events
		w.conn.Bystand(&Bystander{Seg: &seg, Side: 1, Conn: &next.conn, From: 1, TimeWait: time.Minute}, &next.ev, &aside)
		if st, _ := w.conn.State(1, seg.At, time.Minute); st != tt.want {
			t.Errorf("%s: the server is in %v in the older connection, want %v", tt.name, st, tt.want)
		}
	}
}
