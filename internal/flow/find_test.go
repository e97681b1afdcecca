package flow

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Which connection a segment belongs to is the same whether it is easily found or searched for:
// connections leave, and others come to use their ports or their places.
func TestFind_easily(t *testing.T) {
	plain, guessing := newDriver(8), newDriver(8)
	plain.searches, guessing.seed = true, plain.seed
	rng := rand.New(rand.NewPCG(1, 2))
	easy := 0
	for position := uint64(1); position < 20_000; position++ {
		plain.position, guessing.position = position, position
		seg := reassembly.Segment{At: int64(position) * int64(time.Millisecond), Frame: uint32(position), IPID: uint16(position), Flags: reassembly.ACK}
		seg.Src.Port, seg.Dst.Port = uint16(rng.IntN(12)), 80
		seg.Seq, seg.Ack = reassembly.Seq(rng.IntN(3))<<30, 1
		if rng.IntN(4) == 0 {
			seg.Flags, seg.Ack = reassembly.SYN, 0
		}
		if rng.IntN(2) == 0 {
			seg.Src, seg.Dst = seg.Dst, seg.Src
		}
		h := plain.Hashes(&seg)
		if f, _ := guessing.Guess(&seg, h.Hash); f != nil {
			easy++
		}
		want := plain.At(plain.process(&seg, h)).Position
		if got := guessing.At(guessing.process(&seg, h)).Position; got != want {
			t.Fatalf("segment %d: of connection %d, want %d", position, got, want)
		}
	}
	if easy < 100 || plain.left[Evicted] == 0 {
		t.Errorf("%d were found easily, %d connections left: nothing was tried", easy, plain.left)
	}
}

// A connection that has left is not brought back.
func TestFind_oneThatLeft(t *testing.T) {
	d := newDriver(8)
	first := d.give(1000, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN}).Position
	d.Remove(1)
	d.position++
	seg := reassembly.Segment{At: 1, Seq: 2, Ack: 1, Flags: reassembly.ACK}
	seg.Src.Port, seg.Dst.Port = 1000, 80
	if got := d.At(d.process(&seg, d.Hashes(&seg))).Position; got == first {
		t.Error("a segment was taken for one of a connection that has left")
	}
}

// Others are all that share the four-tuple, oldest first.
func TestOthers(t *testing.T) {
	d := newDriver(100)
	for n := range uint32(20) {
		d.give(1000, false, reassembly.Segment{Seq: reassembly.Seq(n+1) * 20_000_003, Flags: reassembly.SYN})
		d.give(uint16(n), false, reassembly.Segment{Flags: reassembly.SYN})
	}
	seg := reassembly.Segment{}
	seg.Src.Port, seg.Dst.Port = 1000, 80
	others := d.Others(1, d.seed.Hash(&seg)) // of the first
	if len(others) != 19 {
		t.Fatalf("%d others, want 19", len(others))
	}
	for i, id := range others {
		if want := uint64(2*i + 3); d.At(id).Position != want {
			t.Errorf("the other %d began at %d, want %d", i, d.At(id).Position, want)
		}
	}
}

// A segment is one of the connection that it lies nearer to, and of the later of two.
func TestFind_betweenTwo(t *testing.T) {
	for _, c := range []struct {
		seq  reassembly.Seq
		want uint64
	}{
		{11_000, 1}, {11_001, 4}, {11_002, 4},
	} {
		d := newDriver(8)
		for _, iss := range []reassembly.Seq{1000, 21_000} {
			d.give(1000, false, reassembly.Segment{Seq: iss, Flags: reassembly.SYN, Window: 60_000})
			d.give(1000, true, reassembly.Segment{Seq: iss, Ack: iss + 1, Flags: reassembly.SYN | reassembly.ACK, Window: 60_000})
			d.give(1000, false, reassembly.Segment{Seq: iss + 1, Ack: iss + 1, Flags: reassembly.ACK, Window: 60_000})
		}
		got := d.give(1000, false, reassembly.Segment{Seq: c.seq, Ack: c.seq, Flags: reassembly.ACK, Window: 60_000}).Position
		if got != c.want {
			t.Errorf("segment %d is one of the connection that began with frame %d, want %d", c.seq, got, c.want)
		}
	}
}
