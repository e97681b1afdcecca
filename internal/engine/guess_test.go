package engine

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A guess may be wrong, or have been right until a moment ago: connections leave,
// and others come to use their ports or their places. Which connection a segment
// belongs to is the same with any guess as with none.
func TestPartition_anyGuess(t *testing.T) {
	o := Options{MaxFlows: 8 * partitions}
	o.defaults()
	plain, guessing := newPartition(&o), newPartition(&o)
	guessing.table.seed = plain.table.seed
	rng := rand.New(rand.NewPCG(1, 2))
	var ev fsm.Events
	right := 0
	for ord := uint64(1); ord < 20_000; ord++ {
		seg := reassembly.Segment{At: int64(ord) * int64(time.Millisecond), Frame: uint32(ord), IPID: uint16(ord), Flags: reassembly.ACK}
		seg.Src.Port, seg.Dst.Port = uint16(rng.IntN(12)), 80
		seg.Seq, seg.Ack = reassembly.Seq(rng.IntN(3))<<30, 1
		if rng.IntN(4) == 0 {
			seg.Flags, seg.Ack = reassembly.SYN, 0
		}
		if rng.IntN(2) == 0 {
			seg.Src, seg.Dst = seg.Dst, seg.Src
		}
		hash, print := plain.table.hashOf(&seg), fingerprint(dealing.hash(&seg), &seg)
		guess := rng.Uint32N(guessing.table.made + 1)
		if rng.IntN(2) == 0 {
			guess = guessing.table.guess(hash)
		}
		if f, _ := guessing.table.guessed(guess, &seg); f != nil {
			right++
		}
		want := plain.take(&seg, ord, hash, 0, print, &ev).ordinal
		if got := guessing.take(&seg, ord, hash, guess, print, &ev).ordinal; got != want {
			t.Fatalf("segment %d, guess %d: of connection %d, want %d", ord, guess, got, want)
		}
	}
	if right < 100 || plain.dropped == 0 {
		t.Errorf("%d guesses were right, %d connections left: nothing was tried", right, plain.dropped)
	}
}

// A connection that has left is not brought back.
func TestPartition_guessOfOneThatLeft(t *testing.T) {
	f := newFeeder()
	first := f.give(false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN}).ordinal
	f.release(0, detectors.Ending{Why: detectors.Dropped}, true)
	seg := reassembly.Segment{At: 1, Seq: 2, Ack: 1, Flags: reassembly.ACK}
	seg.Src.Port, seg.Dst.Port = f.client, 80
	if got := f.take(&seg, 2, f.table.hashOf(&seg), 1, 0, &f.ev).ordinal; got == first {
		t.Error("a segment was taken for one of a connection that has left")
	}
}

// Whoever chooses addresses does not know how they are hashed, be it live.
func TestSeed_isDrawn(t *testing.T) {
	var o Options
	o.defaults()
	l := NewLive(o, nil)
	team := newTeam(&o)
	defer team.close()
	seeds := map[seed]bool{{}: true, l.judge.partition(0).table.seed: true, team.judges[0].partition(0).table.seed: true}
	if len(seeds) != 3 || team.judges[0].seed != team.seed {
		t.Errorf("seeds %v: they are not drawn, or the reader has another than the judges", seeds)
	}
}
