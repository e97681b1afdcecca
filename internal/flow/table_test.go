package flow

import (
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A driver does with a table what the engine does.
type driver struct {
	*Table
	ev       fsm.Events
	position uint64
	left     map[Why]int
	found    uint64 // duplicates
	searches bool   // also for what is easily found
}

func newDriver(most int) *driver {
	t := NewTable(most, NewSeed())
	return &driver{Table: &t, left: map[Why]int{}}
}

// give has a segment from client to port 80, or back, processed.
func (d *driver) give(client uint16, fromServer bool, seg reassembly.Segment) *Flow {
	d.position++
	seg.At, seg.Frame, seg.IPID = int64(d.position)*int64(time.Millisecond), uint32(d.position), uint16(d.position)
	seg.Src.Port, seg.Dst.Port = client, 80
	if fromServer {
		seg.Src, seg.Dst = seg.Dst, seg.Src
	}
	return d.At(d.process(&seg, d.Hashes(&seg)))
}

func (d *driver) process(seg *reassembly.Segment, h Hashes) ID {
	f, m := d.Guess(seg, h.Hash)
	if d.searches {
		f, m = nil, Match{}
	}
	f, m = d.Find(seg, &h, f, m)
	if !m.Marks.Has(Duplicate) {
		f.Conn.Step(seg, m.Side, &d.Gaps, &d.ev)
	}
	if m.ID == New {
		if seg.Flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN {
			for _, id := range d.Others(New, h.Hash) {
				d.Replace(id, seg.At)
			}
		}
		if id, why, must := d.MakeRoom(h.Hash); must {
			d.left[why]++
			d.Remove(id)
		}
		m.ID, f = d.Add(d.position, h.Hash)
	}
	if !m.Marks.Has(Duplicate) && d.ev.Ends() {
		d.Note(m.ID, f)
	}
	return m.ID
}

// holds reports whether a connection of the client is held.
func (d *driver) holds(client uint16) bool {
	for _, f := range d.All() {
		if k := f.Conn.Key(); k.Lo.Port == client || k.Hi.Port == client {
			return true
		}
	}
	return false
}

func TestFlow_isSmall(t *testing.T) {
	if size := unsafe.Sizeof(Flow{}); size > 448 {
		t.Errorf("a connection takes %d bytes", size)
	}
}

// TestTable compares the table with a map over random additions and removals.
func TestTable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tab := NewTable(1000, Seed{rng.Uint64(), rng.Uint64()})
	model := map[uint16]ID{}
	for n := range uint64(20_000) {
		port := uint16(rng.IntN(300)) + 1000
		seg := reassembly.Segment{Flags: reassembly.SYN, Src: reassembly.Endpoint{Port: port}, Dst: reassembly.Endpoint{Port: 80}}
		key, _ := reassembly.KeyOf(&seg)
		hash := tab.seed.Hash(&seg)
		id, _, ok := tab.probe(&key, hash, hash)
		want, known := model[port]
		if ok != known || ok && id != want {
			t.Fatalf("port %d: found %v at %d, want %v at %d", port, ok, id, known, want)
		}
		switch {
		case !known:
			tab.begin(&seg, false)
			model[port], _ = tab.Add(n, hash)
		case rng.IntN(3) == 0:
			tab.Remove(id)
			delete(model, port)
		}
		if tab.Len() != len(model) {
			t.Fatalf("the table counts %d, there are %d", tab.Len(), len(model))
		}
	}
}

// A connection is found by its place as long as it holds that.
func TestTable_held(t *testing.T) {
	d := newDriver(1)
	d.give(1, false, reassembly.Segment{Flags: reassembly.SYN})
	if f := d.Held(1, 1); f == nil || f.Position != 1 {
		t.Error("the only connection is not held")
	}
	d.give(2, false, reassembly.Segment{Flags: reassembly.SYN})
	if d.Held(1, 1) != nil || d.Held(1, 2) == nil {
		t.Error("the first connection is still held, or the second is not in its place")
	}
}

// A table that was reset is as good as new.
func TestTable_reset(t *testing.T) {
	d := newDriver(500)
	for _, many := range []uint16{10, 400} {
		for client := range many {
			d.give(client+1, false, reassembly.Segment{Flags: reassembly.SYN})
			d.give(client+1, true, reassembly.Segment{Flags: reassembly.RST | reassembly.ACK, Ack: 1})
		}
		if d.Len() != int(many) {
			t.Fatalf("%d connections are held of %d", d.Len(), many)
		}
		d.Reset()
		if _, is := d.FirstClosed(); is || d.Len() != 0 || d.holds(1) {
			t.Error("connections are left")
		}
	}
}

func BenchmarkTable(b *testing.B) {
	segs := make([]reassembly.Segment, 20_000)
	for i := range segs {
		segs[i] = reassembly.Segment{Flags: reassembly.SYN, Src: reassembly.Endpoint{Port: uint16(i)}, Dst: reassembly.Endpoint{Port: 80}}
	}
	t := NewTable(len(segs), Seed{1, 2})
	for b.Loop() {
		for i := range segs {
			key, _ := reassembly.KeyOf(&segs[i])
			hash := t.seed.Hash(&segs[i])
			if _, _, ok := t.probe(&key, hash, hash); !ok {
				t.begin(&segs[i], false)
				t.Add(uint64(i), hash)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(segs)), "ns/segment")
}
