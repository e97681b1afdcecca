package flow

import (
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A packet is one that the client sends, with the defaults of the tests below.
type packet struct {
	after    time.Duration // since the one before
	seq, len uint32
	id       uint16
	ttl      uint8
	link     uint32
}

// duplicatesOf gives packets of one direction to a table, and says which counted as
// duplicates. mss is that of the other side's SYN-ACK; 0: midstream.
func duplicatesOf(mss uint16, packets []packet) (which []int) {
	d := newDriver(10)
	at := int64(1e12)
	process := func(seg reassembly.Segment) bool {
		seg.At, seg.Frame = at, 1
		if seg.Src.Port == 0 {
			seg.Src.Port, seg.Dst.Port = 1, 2
		}
		f := d.At(d.process(&seg, d.Hashes(&seg)))
		before := d.found
		d.found = f.Duplicates()
		return d.found > before
	}
	if mss > 0 {
		process(reassembly.Segment{Flags: reassembly.SYN, IPID: packets[0].id - 1, TTL: packets[0].ttl})
		process(reassembly.Segment{Flags: reassembly.SYN | reassembly.ACK, Ack: 1, TTL: 64, Opts: reassembly.Options{Has: reassembly.HasMSS, MSS: mss},
			Src: reassembly.Endpoint{Port: 2}, Dst: reassembly.Endpoint{Port: 1}})
	}
	for i, p := range packets {
		at += int64(p.after)
		if process(reassembly.Segment{Seq: reassembly.Seq(p.seq), Len: p.len, Ack: 1, Flags: reassembly.ACK, IPID: p.id, TTL: p.ttl, Link: p.link}) {
			which = append(which, i)
		}
	}
	return which
}

// The same frame again with the same IPv4 ID, long after.
func TestDuplicates_late(t *testing.T) {
	const ms = time.Millisecond
	first := []packet{{0, 1, 10, 7, 64, 0}, {ms, 11, 10, 8, 64, 0}, {ms, 21, 10, 9, 64, 0}}
	for _, c := range []struct {
		name string
		then packet // the last of them again
		want bool
	}{
		{"on another way, 2 s later", packet{2 * time.Second, 21, 10, 9, 63, 0}, true},
		{"on another way, later than that", packet{2*time.Second + time.Microsecond, 21, 10, 9, 63, 0}, false},
		{"on the same way, 50 ms later", packet{50 * ms, 21, 10, 9, 64, 0}, true},
		{"on the same way, later than that", packet{50*ms + time.Microsecond, 21, 10, 9, 64, 0}, false},
		{"other link-layer addresses prove nothing by then", packet{50*ms + time.Microsecond, 21, 10, 9, 64, 5}, false},
		{"another ID", packet{10 * ms, 21, 10, 10, 63, 0}, false},
		{"another length", packet{10 * ms, 21, 9, 9, 63, 0}, false},
	} {
		got := duplicatesOf(1460, append(first[:3:3], c.then))
		if (len(got) == 1) != c.want {
			t.Errorf("%s: duplicates are %v, want one: %t", c.name, got, c.want)
		}
	}
	again := packet{50 * ms, 21, 10, 9, 64, 0}
	if got := duplicatesOf(1460, append(first[:3:3], again, again, again)); len(got) != 3 {
		t.Errorf("three times again, 50 ms each: duplicates are %v", got)
	}
	flood := first[:1:1]
	for range 60 {
		flood = append(flood, packet{10 * ms, 1, 10, 7, 64, 0})
	}
	if got := duplicatesOf(1460, flood); len(got) != 3*mostCopies {
		t.Errorf("the same 60 times again: %d duplicates, want %d, of three packets", len(got), 3*mostCopies)
	}
	for name, ids := range map[string][]uint16{
		"no ID":             {0, 0, 0},
		"always the same":   {7, 7, 7},
		"drawn by lot":      {7, 40000, 9000},
		"down":              {9, 8, 7},
		"by more than 1024": {7, 1032, 2057},
	} {
		var packets []packet
		for i, id := range ids {
			packets = append(packets, packet{ms, 1 + 10*uint32(i), 10, id, 64, 0})
		}
		if got := duplicatesOf(0, append(packets, packet{10 * ms, 21, 10, ids[2], 63, 0})); len(got) > 0 {
			t.Errorf("IDs %s: duplicates are %v", name, got)
		}
	}
	for name, c := range map[string]struct {
		again time.Duration
		want  int
	}{"a host that sends again with the same ID is not trusted": {200 * ms, 0}, "one whose packets come twice is": {50 * ms, 2}} {
		packets := append(first[:3:3], packet{c.again, 21, 10, 9, 64, 0})
		for i := range uint32(5) {
			packets = append(packets, packet{ms, 31 + 10*i, 10, 10 + uint16(i), 64, 0})
		}
		if got := duplicatesOf(1460, append(packets, packet{10 * ms, 71, 10, 14, 63, 0})); len(got) != c.want {
			t.Errorf("%s: duplicates are %v, want %d", name, got, c.want)
		}
	}
}

// What Wi-Fi sends again is the same packet, whatever the IDs of its sender show; what a host sends again is not, whether or
// not that had to be sent twice through the air.
func TestDuplicates_retry(t *testing.T) {
	const ms = time.Millisecond
	again := func(p packet, after time.Duration, id uint16) packet {
		p.after, p.id = after, id
		var seg reassembly.Segment
		seg.Link = p.link
		seg.SetRetry()
		p.link = seg.Link
		return p
	}
	const air = 7
	for name, ids := range map[string][]uint16{"counted": {7, 8, 9}, "no ID": {0, 0, 0}, "drawn by lot": {7, 40000, 9000}} {
		var first []packet
		for i, id := range ids {
			first = append(first, packet{ms, 1 + 10*uint32(i), 10, id, 64, air})
		}
		last := first[2]
		for _, c := range []struct {
			name string
			then []packet
			want int
		}{
			{"twice again through the air", []packet{again(last, 40*ms, last.id), again(last, 40*ms, last.id)}, 2},
			{"much later", []packet{again(last, 3*time.Second, last.id)}, 0},
			{"sent again by the host", []packet{again(last, 40*ms, last.id+100)}, 0},
			{"that again through the air", []packet{{250 * ms, 21, 10, last.id + 100, 64, air}, again(last, 10*ms, last.id+100)}, 1},
		} {
			if name == "no ID" && c.name == "sent again by the host" {
				continue
			}
			if got := duplicatesOf(0, append(first[:3:3], c.then...)); len(got) != c.want {
				t.Errorf("IDs %s, %s: duplicates are %v, want %d", name, c.name, got, c.want)
			}
		}
	}
}

// A host's large segments, and the wire segments cut from them or joined to them.
func TestDuplicates_offload(t *testing.T) {
	const us = time.Microsecond
	large := packet{us, 101, 5000, 20, 64, 0}
	before := []packet{{us, 1, 100, 19, 64, 0}}
	piece := func(n uint32) packet {
		return packet{us, 101 + 1448*n, min(1448, 5000-1448*n), 20 + uint16(n), 64, 0}
	}
	pieces := []packet{piece(0), piece(1), piece(2), piece(3)}
	with := func(p packet, change func(*packet)) packet { change(&p); return p }
	join := func(lists ...[]packet) (all []packet) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		packets []packet
		want    int
	}{
		{"cut", join(before, []packet{large}, pieces), 4},
		{"cut, in any order", join(before, []packet{large, piece(3), piece(1), piece(0), piece(2)}), 4},
		{"cut, not all captured", join(before, []packet{large, piece(2), piece(3)}), 2},
		{"cut, and the next large one sooner", join(before, []packet{large, {us, 5101, 5000, 24, 64, 0}}, pieces, []packet{{us, 5101, 1448, 24, 64, 0}}), 5},
		{"joined", join(before, pieces, []packet{large}), 1},
		{"joined, in any order", join(before, []packet{piece(1), piece(0), piece(3), piece(2), large}), 1},
		{"joined, while they come", join(before, []packet{piece(0), piece(1), large, piece(2), piece(3)}), 2},
		{"by a card that gives all the same ID", join(before, []packet{large, with(piece(1), func(p *packet) { p.id = 20 })}), 1},
		{"50 ms later", join(before, []packet{large, with(piece(1), func(p *packet) { p.after = 50 * time.Millisecond })}), 1},
		{"later than that", join(before, []packet{large, with(piece(1), func(p *packet) { p.after = 50*time.Millisecond + us })}), 0},
		{"sent again", join(before, []packet{large, with(piece(0), func(p *packet) { p.id = 24 }), with(piece(1), func(p *packet) { p.id = 25 })}), 0},
		{"the last part sent again", join(before, []packet{large, with(piece(3), func(p *packet) { p.id = 24 })}), 0},
		{"sent again as a whole", join(before, []packet{large, with(large, func(p *packet) { p.id = 24; p.after = time.Second })}), 0},
		{"sent again as a whole, and cut", join(before, []packet{large, with(large, func(p *packet) { p.id = 24; p.after = time.Second }),
			with(piece(0), func(p *packet) { p.id = 24 }), with(piece(1), func(p *packet) { p.id = 25 })}), 2},
		{"without ID, on the same way", join(before, []packet{with(large, func(p *packet) { p.id = 0 }), with(piece(1), func(p *packet) { p.id = 0 })}), 0},
		{"without ID, on another way", join(before, []packet{with(large, func(p *packet) { p.id = 0 }), with(piece(1), func(p *packet) { p.id, p.link = 0, 5 })}), 1},
		{"without ID, on another way, 2 ms later", join(before, []packet{with(large, func(p *packet) { p.id = 0 }),
			with(piece(1), func(p *packet) { p.id, p.link, p.after = 0, 5, 2*time.Millisecond+us })}), 0},
	} {
		for _, mss := range []uint16{0, 1460} {
			if got := duplicatesOf(mss, c.packets); len(got) != c.want {
				t.Errorf("%s, MSS %d: %v are duplicates, want %d", c.name, mss, got, c.want)
			}
		}
	}
}

// A dense capture whose frames come again when they have been forgotten: what is numbered
// before the latest, and was captured before, makes it remember more.
func TestDuplicates_lateInDenseCapture(t *testing.T) {
	const step, lag, frames = 20 * time.Microsecond, 500, 5000
	var packets []packet
	for i := range uint32(frames) {
		p := packet{step, 1 + 10*i, 10, uint16(i) + 1, 64, 0}
		packets = append(packets, p)
		if i >= lag {
			p.after, p.seq, p.id = time.Microsecond, p.seq-10*lag, p.id-lag
			packets = append(packets, p)
		}
	}
	if got := len(duplicatesOf(1460, packets)); got < (frames-lag)*3/4 {
		t.Errorf("%d duplicates are recognised, of %d", got, frames-lag)
	}
}

// Without an IPv4 ID, what a router held up is a duplicate if its timestamps say so.
func TestDuplicates_hop(t *testing.T) {
	stamped := reassembly.Options{Has: reassembly.HasTimestamps, TSVal: 7, TSEcr: 1}
	first := reassembly.Segment{At: 1e12, Frame: 1, Flags: reassembly.SYN | reassembly.ACK, Ack: 1, TTL: 64, Link: 1, Opts: stamped,
		Src: reassembly.Endpoint{Port: 1}, Dst: reassembly.Endpoint{Port: 2}}
	for _, c := range []struct {
		name   string
		change func(*reassembly.Segment)
		want   uint64
	}{
		{"2 s later", func(*reassembly.Segment) {}, 1},
		{"later than that", func(s *reassembly.Segment) { s.At += 1000 }, 0},
		{"another timestamp", func(s *reassembly.Segment) { s.Opts.TSVal++ }, 0},
		{"no timestamps", func(s *reassembly.Segment) { s.Opts = reassembly.Options{} }, 0},
		{"the same TTL", func(s *reassembly.Segment) { s.TTL++ }, 0},
		{"a larger one", func(s *reassembly.Segment) { s.TTL += 2 }, 0},
		{"the same link-layer addresses", func(s *reassembly.Segment) { s.Link-- }, 0},
		{"an IP ID", func(s *reassembly.Segment) { s.IPID = 1 }, 0},
	} {
		d, original, again := newDriver(10), first, first
		again.At, again.TTL, again.Link = first.At+int64(2*time.Second), 63, 2
		c.change(&again)
		original.Opts.Has = again.Opts.Has
		if original.Opts.Has == 0 {
			original.Opts = again.Opts
		}
		d.process(&original, d.Hashes(&original))
		if f := d.At(d.process(&again, d.Hashes(&again))); f.Duplicates() != c.want {
			t.Errorf("%s: %d duplicates, want %d", c.name, f.Duplicates(), c.want)
		}
	}
}
