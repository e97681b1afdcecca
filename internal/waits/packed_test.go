package waits

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestPacked: what comes out of a packed record is what went in.
func TestPacked(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		in := &Record{From: r.Int64N(1 << 60), RTT: [2]int64{r.Int64N(1e9), 0}, Unknown: Reason(r.IntN(int(numOfReason))), Omitted: r.IntN(3), Invisible: r.IntN(2) == 0}
		for i := range in.Waits {
			if r.IntN(2) == 0 {
				in.Waits[i] = r.Int64N(1 << r.IntN(60))
			}
		}
		in.To = in.From + in.Waits.Sum()
		for side := range in.Figures {
			f := &in.Figures[side]
			for range r.IntN(4) {
				f.Sizes.add(r.Int64N(1500))
				f.Windows.add(r.Int64N(1 << 30))
				f.RTT.add(r.Int64N(1 << 40))
			}
			f.IdleMax, f.DupAcks, f.TripleAcks, f.OutOfOrder, f.DSACKs = r.Int64(), r.Uint64(), 1, 2, 3
		}
		for i := range r.IntN(100) {
			in.exchange(&detectors.Exchange{Response: r.Int64N(1 << 40), Pipelined: i%3 == 0, Answer: mark(r), Request: mark(r)})
		}
		for range r.IntN(20) {
			at := in.From + r.Int64N(1e12)
			in.longest(&Stretch{detectors.Loss, [2]uint16{1, 2}, [2]uint32{3, r.Uint32()}, at, at + r.Int64N(1e9)})
		}
		for range r.IntN(3) {
			x := detectors.Transfer{From: 1, First: mark(r), Last: mark(r), Bytes: r.Uint64(), Missed: 5, Waits: in.Waits, Window: r.Uint32(), Flight: 9,
				Shrank: true, AcksFiltered: true, RTT: 1, Beyond: 2, Pause: 3, Queue: -4, Relayed: 5, Told: r.Int64()}
			in.transfer(&x)
		}
		in.sort()
		p := in.Pack()
		out := p.Record()
		if out.Exchanges.Responses.exact == nil {
			out.Exchanges.Responses.exact = in.Exchanges.Responses.exact[:0] // none is none
		}
		if !reflect.DeepEqual(in, out) {
			t.Fatalf("packed and unpacked:\n got %+v\nwant %+v", out, in)
		}
		if p.Waits() != in.Waits {
			t.Fatalf("waits %v, want %v", p.Waits(), in.Waits)
		}
	}
	if Packed("").Record() != nil {
		t.Error("no record is one")
	}
}

// mark has what a packed record keeps of a segment.
func mark(r *rand.Rand) (m reassembly.Mark) {
	m.At, m.File, m.Frame = r.Int64N(1<<60), uint16(r.IntN(3)), r.Uint32()
	return m
}
