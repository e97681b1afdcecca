package tracegen

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestWrite_sameSpecSameBytes(t *testing.T) {
	spec := Spec{Frames: 20_000, Flows: 300, Snap: 96, Flood: 1000, Faults: 1, Seed: 7}
	var a, b, other bytes.Buffer
	for _, run := range []struct {
		w    io.Writer
		seed uint64
	}{{&a, 7}, {&b, 7}, {&other, 8}} {
		spec.Seed = run.seed
		if _, err := Write(run.w, spec); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two runs of one spec differ")
	}
	if bytes.Equal(a.Bytes(), other.Bytes()) {
		t.Error("another seed wrote the same trace")
	}
}

var specs = map[string]Spec{
	"full frames":  {Frames: 5_000, Flows: 50},
	"cut frames":   {Frames: 20_000, Flows: 200, Snap: 96, Seed: 1},
	"many flows":   {Frames: 40_000, Flows: 2_000, Snap: 96, Faults: 3, Seed: 2},
	"nanoseconds":  {Frames: 2_000, Nanos: true, Seed: 3},
	"IPv6 only":    {Frames: 2_000, IPv6: 1, Seed: 4},
	"IPv4 only":    {Frames: 2_000, IPv6: -1, Seed: 5},
	"with a flood": {Frames: 5_000, Flood: 5_000, Snap: 96, Seed: 6},
	"flood only":   {Flood: 5_000, Snap: 96},
	"forty frames": {Frames: 40, Flows: 1, Seed: 1},
}

func TestWrite_framesAreSound(t *testing.T) {
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			frames, truth := generate(t, spec)
			if int64(len(frames)) != truth.Frames {
				t.Errorf("%d frames, the truth says %d", len(frames), truth.Frames)
			}
			answers := (spec.Flood + floodAnswers - 1) / floodAnswers
			if want := spec.Frames + spec.Flood + answers; truth.Frames != want {
				t.Errorf("%d frames, want %d", truth.Frames, want)
			}
			snap := spec.Snap
			if snap == 0 {
				snap = 1514
			}
			last := int64(0)
			for i := range frames {
				f := &frames[i]
				if f.at < last {
					t.Fatalf("frame %d: time runs backwards", i+1)
				}
				last = f.at
				checkLengths(t, i+1, f, snap)
			}
			if got := frames[0].at / 1000; got != truth.First.UnixMicro() {
				t.Errorf("first frame at %d, the truth says %v", got, truth.First)
			}
			if got := last / 1000; got != truth.Last.UnixMicro() {
				t.Errorf("last frame at %d, the truth says %v", got, truth.Last)
			}
			checkConnections(t, frames, truth)
		})
	}
}

func checkLengths(t *testing.T, n int, f *seenFrame, snap int) {
	t.Helper()
	if f.wire > 1514 || f.wire != max(f.ipLen, 60) || f.payload < 0 {
		t.Fatalf("frame %d: %d bytes on the wire, %d of headers and payload", n, f.wire, f.ipLen)
	}
	if len(f.data) != min(f.wire, snap) {
		t.Fatalf("frame %d: %d of %d bytes kept", n, len(f.data), f.wire)
	}
	if len(f.data) == f.wire {
		if s := fold(f.pseudoSum + sum(f.segment)); s != 0xffff {
			t.Fatalf("frame %d: TCP checksum is off by %#x", n, s)
		}
	}
}

// checkConnections wants every connection to begin with a SYN, and no four-tuple to
// be used twice.
func checkConnections(t *testing.T, frames []seenFrame, truth Truth) {
	t.Helper()
	flows := map[[2]netip.AddrPort]uint32{} // ISS
	for i := range frames {
		f := &frames[i]
		iss, known := flows[f.flow()]
		switch {
		case !known && f.flags != syn:
			t.Fatalf("frame %d: %v > %v begins with flags %#x", i+1, f.src, f.dst, f.flags)
		case !known:
			flows[f.flow()] = f.seq
		case f.flags == syn && f.seq != iss:
			t.Fatalf("frame %d: %v > %v used twice", i+1, f.src, f.dst)
		}
	}
	if int64(len(flows)) != truth.Connections {
		t.Errorf("%d connections, the truth says %d", len(flows), truth.Connections)
	}
}

// Properties of real captures.
func TestWrite_hasRealShape(t *testing.T) {
	frames, _ := generate(t, Spec{Frames: 150_000, Flows: 500, Snap: 96, Seed: 1})
	n := map[string]int{}
	next := map[[2]netip.AddrPort]uint32{} // by direction
	for i := range frames {
		f := &frames[i]
		way := [2]netip.AddrPort{f.src, f.dst}
		end := f.seq + uint32(f.payload)
		n["frames"]++
		if f.src.Addr().Is6() {
			n["IPv6"]++
		}
		if f.payload == 0 && f.flags == ack {
			n["pure ACK"]++
			n["zero window"] += b2i(f.window == 0)
			n["SACK"] += b2i(bytes.Contains(f.options, []byte{1, 1, 5, 10}))
		}
		if f.payload > 0 {
			n["data"]++
			before, seen := next[way]
			n["retransmission"] += b2i(seen && int32(end-before) <= 0)
			n["hole"] += b2i(seen && int32(f.seq-before) > 0)
			if !seen || int32(end-before) > 0 {
				next[way] = end
			}
		}
		n["FIN"] += b2i(f.flags&fin != 0)
		n["FIN with data"] += b2i(f.flags&fin != 0 && f.payload > 0)
		n["RST"] += b2i(f.flags&rst != 0)
		n["refusal"] += b2i(f.flags == rst|ack && f.seq == 0)
		n["timestamps"] += b2i(bytes.HasPrefix(f.options, []byte{1, 1, 8, 10}))
	}
	for what, atLeast := range map[string]float64{
		"data": 0.4, "pure ACK": 0.2, "IPv6": 0.08, "timestamps": 0.4,
		"retransmission": 0.001, "hole": 0.0001, "SACK": 0.001, "zero window": 0.00001,
		"FIN": 0.01, "FIN with data": 0.001, "RST": 0.0005, "refusal": 0.00005,
	} {
		if share := float64(n[what]) / float64(n["frames"]); share < atLeast {
			t.Errorf("%s: %d of %d frames, want a share of %g at least", what, n[what], n["frames"], atLeast)
		}
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestWrite_floodIsSpoofed(t *testing.T) {
	frames, truth := generate(t, Spec{Flood: 10_000, Snap: 96})
	sources := map[netip.Addr]bool{}
	answers := 0
	for i := range frames {
		switch f := &frames[i]; f.flags {
		case syn:
			if sources[f.src.Addr()] {
				t.Fatalf("frame %d: %v again", i+1, f.src)
			}
			sources[f.src.Addr()] = true
		case syn | ack:
			answers++
			if !sources[f.dst.Addr()] || f.ack != frames[i-1].seq+1 {
				t.Fatalf("frame %d: answer to no SYN", i+1)
			}
		default:
			t.Fatalf("frame %d: flags %#x in a flood", i+1, f.flags)
		}
	}
	if len(sources) != 10_000 || answers != 1_250 || truth.Connections != 10_000 {
		t.Errorf("%d sources, %d answers, %d connections", len(sources), answers, truth.Connections)
	}
}

func TestWrite_tellsWhatItCannotDo(t *testing.T) {
	full := errors.New("disk full")
	for _, c := range []struct {
		spec Spec
		w    io.Writer
		want string
	}{
		{Spec{}, io.Discard, "no frames"},
		{Spec{Frames: -1}, io.Discard, "negative"},
		{Spec{Frames: 10, Snap: 20}, io.Discard, "snap length"},
		{Spec{Frames: 100, Faults: 10}, io.Discard, "can be proved"},
		{Spec{Frames: 100}, brokenWriter{full}, "disk full"},
	} {
		_, err := Write(c.w, c.spec)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want an error about %q", c.spec, err, c.want)
		}
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestAgenda_isInOrder(t *testing.T) {
	var a agenda
	times := []int64{5, 3, 9, 1, 7, 7, 2, 8, 0, 6, 4}
	for i, at := range times {
		a.add(at, i)
	}
	var got []int64
	for a.first().at != never {
		got = append(got, a.first().at)
		a.postpone(never)
	}
	slices.Sort(times)
	if !slices.Equal(got, times) {
		t.Errorf("%v, want %v", got, times)
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, spec := range map[string]Spec{
		"snap96": {Snap: 96}, "full": {}, "flood": {Snap: 96, Flood: 1},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			if spec.Flood > 0 {
				spec.Flood = int64(b.N)
			} else {
				spec.Frames = int64(b.N)
			}
			if _, err := Write(io.Discard, spec); err != nil {
				b.Fatal(err)
			}
		})
	}
}
