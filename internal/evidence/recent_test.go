package evidence

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// numbers are those of the frames that are kept of a client's port.
func (r *Recent) numbers(port uint16) (n []uint32) {
	key, _ := reassembly.KeyOf(&reassembly.Segment{Src: reassembly.Endpoint{Port: port}})
	src := r.Of(key)
	for fr := (capture.Frame{}); src.Next(&fr) == nil; {
		n = append(n, fr.Num)
	}
	return n
}

// The oldest frames are dropped first; a SYN is kept long after the frames that
// followed it, and each connection has its own.
func TestRecent(t *testing.T) {
	r := &Recent{openings: newRing(4), frames: newRing(8)}
	num := uint32(0)
	add := func(port uint16, flags reassembly.Flags) {
		num++
		fr := capture.Frame{Num: num, At: int64(num), Data: bytes.Repeat([]byte{byte(num)}, 2*recentBytes), Len: 2 * recentBytes}
		r.Add(&fr, &reassembly.Segment{Src: reassembly.Endpoint{Port: port}, Flags: flags})
	}
	add(1, reassembly.SYN)
	add(2, reassembly.SYN)
	for range 6 {
		add(1, reassembly.ACK) // 3 to 8
		add(2, reassembly.ACK) // 9 to 14, alternating
	}
	for port, want := range map[uint16][]uint32{1: {1, 7, 9, 11, 13}, 2: {2, 8, 10, 12, 14}, 3: nil} {
		if got := r.numbers(port); !slices.Equal(got, want) {
			t.Errorf("port %d: frames %d are kept, want %d", port, got, want)
		}
	}
	for port := range uint16(20) {
		add(100+port, reassembly.ACK)
	}
	if got := r.numbers(1); !slices.Equal(got, []uint32{1}) {
		t.Errorf("after 20 other frames, %d are kept", got)
	}
	if held := len(r.frames.last); held != len(r.frames.slots) {
		t.Errorf("%d four-tuples are held for %d frames", held, len(r.frames.slots))
	}
	key, _ := reassembly.KeyOf(&reassembly.Segment{Src: reassembly.Endpoint{Port: 119}})
	var fr capture.Frame
	if r.Of(key).Next(&fr) != nil || fr.Len != 2*recentBytes || !bytes.Equal(fr.Data, bytes.Repeat([]byte{byte(num)}, recentBytes)) {
		t.Errorf("a frame of %d bytes comes back as %d of %d", 2*recentBytes, len(fr.Data), fr.Len)
	}
}

// A frame of several segments of a connection is kept once: each time it is read, it has all of them.
func TestRecent_severalSegments(t *testing.T) {
	r := NewRecent()
	for num := range uint32(3) {
		fr := capture.Frame{Num: num, At: 5}
		for range 2 {
			r.Add(&fr, &reassembly.Segment{Src: reassembly.Endpoint{Port: 1}})
		}
	}
	if got := r.numbers(1); !slices.Equal(got, []uint32{0, 1, 2}) {
		t.Errorf("frames %d are kept", got)
	}
}

// Adding costs no allocation once the four-tuples are known.
func TestRecent_allocates(t *testing.T) {
	r := &Recent{openings: newRing(4), frames: newRing(1 << 10)}
	fr, seg := capture.Frame{Data: make([]byte, 100)}, reassembly.Segment{}
	if n := testing.AllocsPerRun(5000, func() {
		seg.Src.Port = uint16(fr.Num % 50)
		fr.Num++
		r.Add(&fr, &seg)
	}); n > 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
