package decode

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Whatever the bytes, Decode returns, does not change them, gives the same result
// again, and never invents a segment that no network could carry.
func FuzzDecode(f *testing.F) {
	for _, s := range samples() {
		f.Add(s.link, s.frame, uint16(0))
		f.Add(s.link, s.frame[:len(s.frame)*3/4], uint16(1000))
	}
	f.Add(uint32(linkRaw), fragment4(1, 0, 80), uint16(0))
	f.Add(uint32(linkRaw), fragment4(1, 80, 200), uint16(0))
	f.Fuzz(func(t *testing.T, link uint32, frame []byte, more uint16) {
		before := slices.Clone(frame)
		wire := len(frame) + int(more)
		verify := New()
		verify.VerifyChecksums = true
		first, second := stale(), segment6()
		r := verify.Decode(link, frame, wire, 0, &first)
		if !slices.Equal(before, frame) {
			t.Fatal("the frame has changed")
		}
		if again := New().Decode(link, frame, wire, 0, &second); again != r {
			t.Fatalf("%v, then %v", r, again)
		}
		if r >= NumReasons {
			t.Fatalf("reason %d", r)
		}
		if r != OK {
			return
		}
		if first != second {
			t.Errorf("fields left over:\n%+v\n%+v", first, second)
		}
		if first.Len > maxPacket || int(first.Opts.NBlocks) > len(first.Opts.Blocks) {
			t.Errorf("%+v", first)
		}
		// A longer snap length never takes a segment away.
		const extra = 16
		if more > extra && New().Decode(link, append(before, make([]byte, extra)...), wire, 0, &second) != OK {
			t.Error("lost with more of it captured")
		}
	})
}

// A datagram of any fragments in any order is the same as in a byte map.
func FuzzFragments(f *testing.F) {
	f.Add([]byte{0, 2, 0, 2, 2, 1})
	f.Add([]byte{4, 2, 1, 0, 2, 0, 2, 2, 0})
	f.Add([]byte{0, 1, 0, 2, 1, 0, 4, 1, 0, 6, 1, 1, 5, 1, 0, 3, 1, 0, 1, 1, 0})
	f.Add([]byte{0, 2, 0, 1, 2, 0, 3, 1, 1})
	f.Add([]byte{10, 1, 0, 0, 20, 0, 20, 1, 1})        // one around another
	f.Add([]byte{0, 10, 0, 11, 9, 0, 10, 2, 0})        // beyond a gap
	f.Add([]byte{0, 10, 0, 11, 9, 0, 10, 1, 1})        // an end before what came
	f.Add([]byte{5, 5, 0, 0, 7, 0, 10, 5, 1, 0, 5, 0}) // partly over the next
	f.Fuzz(func(t *testing.T, script []byte) {
		script = script[:min(len(script), 3*40)]
		g := datagram{waiting: true, length: unknown}
		var (
			have   [(0xff + 0xff) * 8]bool
			header [len(g.header)]byte
			length = unknown
			spoilt bool
		)
		for n := byte(1); len(script) >= 3; n, script = n+1, script[3:] {
			offset, wire, last := int(script[0])*8, max(1, int(script[1]))*8, script[2]&1 != 0
			if last {
				wire -= int(script[2] >> 5)
			}
			b := slices.Repeat([]byte{n}, max(0, wire-int(script[2]>>4&1)*5))
			g.add(offset, wire, last, b)

			if last && length == unknown {
				length = offset + wire
			}
			spoilt = spoilt || last && offset+wire != length || length != unknown && (offset+wire > length || slices.Contains(have[length:], true))
			if spoilt {
				continue
			}
			part := have[offset : offset+wire]
			if slices.Contains(part, true) {
				spoilt = slices.Contains(part, false)
				continue
			}
			for i := range part {
				part[i] = true
				if offset+i < len(header) && i < len(b) {
					header[offset+i] = n
				}
			}
		}
		spans := 0
		for i := range have {
			if have[i] && (i == 0 || !have[i-1]) {
				spans++
			}
		}
		complete := !spoilt && length != unknown && !slices.Contains(have[:length], false)
		if g.complete() && !complete {
			t.Fatalf("complete too soon: %+v", g)
		}
		if !g.complete() && complete && !g.broken { // spoilt by too many spans on the way
			t.Fatalf("not complete: %+v", g)
		}
		if g.complete() && g.length != length {
			t.Fatalf("length %d, want %d", g.length, length)
		}
		if spoilt && !g.broken {
			t.Fatalf("a contradiction went unseen: %+v", g)
		}
		if !spoilt && !g.broken {
			if spans != g.n {
				t.Fatalf("%d spans, want %d: %+v", g.n, spans, g)
			}
			if g.header != header {
				t.Fatalf("header %x, want %x", g.header, header)
			}
		}
	})
}

func FuzzReadOptions(f *testing.F) {
	f.Add([]byte(timestamps), byte(0))
	f.Add([]byte{2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7}, byte(2))
	f.Fuzz(func(t *testing.T, b []byte, more byte) {
		if len(b) > 40 {
			return
		}
		room := min(len(b)+int(more), 40)
		var whole, cut reassembly.Options
		readOptions(slices.Concat(b, make([]byte, room-len(b))), room, &whole)
		if whole.Has&reassembly.OptionsCut != 0 {
			t.Errorf("cut, though all is there: %+v", whole)
		}
		readOptions(b, room, &cut)
		if cut.Has&reassembly.OptionsCut == 0 && cut != whole {
			t.Errorf("not cut, but different:\n%+v\n%+v", cut, whole)
		}
	})
}
