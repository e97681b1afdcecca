package stats

import (
	"encoding/binary"
	"slices"
	"time"
)

// A Rhythm is that of what devices send to all others of a link by a timer, whatever else is sent: spanning tree (IEEE
// 802.1D: a hello every 2 s), OSPF, LLDP, announcements of services. Where a file has no frame of anybody for
// longer than such a device needs for several beats, and it beats as before afterwards, that is no silence: nobody was capturing.
// What the hosts of connections send proves nothing of the kind: they may have nothing to say. Pauses that come after each so many frames do,
// see pieces.
type Rhythm struct {
	Blind       []Gap // in which the file shows that nobody captured, in order: the first maxBlind
	First, Last int64 // times of the first frame, and of the latest

	any     bool
	pauses  [4]Gap // the last ones longer than minBlind, each at its number modulo 4
	n       int
	beacons []beacon
	batches batches
	pieces  pieces
}

// A beacon is a source of such frames. Frames within half a period are one beat: several may come together, and
// each may be captured twice.
type beacon struct {
	source uint64
	last   int64 // beat
	period int64
	beats  uint32 // that came in time, one after the other
	since  uint32 // of these since the pause
	pause  Gap    // that is not explained yet
}

// A source is a beacon once beatsBefore of its intervals, one after the other, were equal within a tenth and at least
// minPeriod, which no burst and no retry of a host are. It shows that nobody captured in a pause of
// blindBeats periods if beatsAfter follow.
const (
	minBlind    = int64(5 * time.Second)
	minPeriod   = int64(19 * time.Second / 10)
	tick        = int64(time.Second / 2)
	beatsBefore = 10
	beatsAfter  = 3
	blindBeats  = 4
	maxBeacons  = 64
	maxBlind    = 64
)

// Link types in which groupSource knows a group address: LINKTYPE_ numbers of the registry at tcpdump.org.
const (
	linkEthernet = 1
	linkSLL      = 113
)

// Frame takes the time of a frame of any kind. Time may go back.
func (r *Rhythm) Frame(at int64) {
	if at-r.Last <= withinBatch && r.any { // nearly all
		r.pieces.frames++
		r.Last = max(r.Last, at)
		return
	}
	if r.any {
		r.batches.pause(at - r.Last)
		if at-r.Last >= minPiecesPause {
			r.pieces.pause(Gap{From: r.Last, To: at})
		}
	}
	r.pieces.frames++
	if r.any {
		if at-r.Last <= minBlind {
			r.Last = at
			return
		}
	}
	if r.any {
		r.pauses[r.n%len(r.pauses)] = Gap{From: r.Last, To: at}
		r.n++
	} else {
		r.First, r.any = at, true
	}
	r.Last = at
}

// Frames takes n frames that were captured in order, given the times of the first and the last, if no pause that matters lies between them.
func (r *Rhythm) Frames(n int, first, last int64) (taken bool) {
	longest := minPiecesPause
	if !r.batches.decided() {
		longest = withinBatch
	}
	if taken = r.any && first >= r.Last && last-r.Last <= longest; taken {
		r.Last = last
		r.pieces.frames += uint64(n)
	} else if !r.batches.decided() {
		r.batches.runs++
	}
	return taken
}

// Gaps are those in which the file shows that nobody captured.
func (r *Rhythm) Gaps() []Gap { return append(slices.Clip(r.Blind), r.pieces.gaps()...) }

// Batches is the time between two batches in which the times of the file come, on average, in nanoseconds; 0 if they don't.
func (r *Rhythm) Batches() int64 { return r.batches.every() }

// Other takes a frame that holds no TCP segment, after Frame.
func (r *Rhythm) Other(link uint32, data []byte, at int64) {
	source, is := groupSource(link, data)
	if !is {
		return
	}
	least := 0
	for i := range r.beacons {
		b := &r.beacons[i]
		if b.source == source {
			r.beat(b, at)
			return
		}
		if b.until() < r.beacons[least].until() {
			least = i
		}
	}
	if len(r.beacons) < maxBeacons {
		r.beacons, least = append(r.beacons, beacon{}), len(r.beacons)
	}
	r.beacons[least] = beacon{source: source, last: at}
}

// until is when to forget it, if there are others: one that has beaten in time stays for as long as it has.
func (b *beacon) until() int64 {
	if b.beats < 2 {
		return b.last
	}
	return b.last + int64(b.beats)*b.period
}

// groupSource is who sent a frame to a group address of the link, and of what protocol.
func groupSource(link uint32, data []byte) (source uint64, is bool) {
	var address, packet []byte
	switch {
	case link == linkEthernet && len(data) >= 14 && data[0]&1 != 0:
		address, packet = data[6:12], data[12:]
	case link == linkSLL && len(data) >= 16 && (data[1] == 1 || data[1] == 2): // broadcast, multicast
		address, packet = data[6:12], data[14:]
	default:
		return 0, false
	}
	const prime = 0x100000001b3 // FNV-1a
	source = 0xcbf29ce484222325
	for _, b := range address {
		source = (source ^ uint64(b)) * prime
	}
	kind := binary.BigEndian.Uint16(packet)
	if kind < 0x600 { // IEEE 802.3: a length
		kind = 0
	}
	source = (source ^ uint64(kind)) * prime
	switch {
	case kind == 0x800 && len(packet) >= 2+24:
		source = (source ^ uint64(packet[2+9])<<16 ^ uint64(binary.BigEndian.Uint16(packet[2+22:]))) * prime // protocol, and port if it is UDP
	case kind == 0x86dd && len(packet) >= 2+44:
		source = (source ^ uint64(packet[2+6])<<16 ^ uint64(binary.BigEndian.Uint16(packet[2+42:]))) * prime
	}
	return source, true
}

func (r *Rhythm) beat(b *beacon, at int64) {
	d := at - b.last
	if d < tick || b.beats >= 2 && d < b.period/2 {
		return
	}
	before := b.last
	b.last = at
	off := d - b.period
	switch steady := b.beats >= beatsBefore && b.period >= minPeriod; {
	case off >= -b.period/10 && off <= b.period/10:
		b.beats++
		b.period += off / 8
		if b.pause.To == 0 {
			break
		}
		if b.since++; b.since == beatsAfter {
			r.blind(b.pause)
			b.pause = Gap{}
		}
	case steady && d >= (blindBeats+1)*b.period:
		b.pause, b.since = r.pauseIn(before, at, d-2*b.period), 0
		if b.pause.To == 0 {
			b.beats = 0
		}
	default:
		b.period, b.beats, b.pause = d, 1, Gap{}
	}
}

// pauseIn is the pause of the whole file that takes at least that long of a time.
func (r *Rhythm) pauseIn(from, to, least int64) Gap {
	for _, g := range r.pauses[:min(r.n, len(r.pauses))] {
		if g.From >= from && g.To <= to && g.To-g.From >= max(least, minBlind) {
			return g
		}
	}
	return Gap{}
}

func (r *Rhythm) blind(g Gap) {
	if len(r.Blind) < maxBlind && !slices.Contains(r.Blind, g) {
		r.Blind = append(r.Blind, g)
	}
}

// Blinded makes gaps of the pauses in which nobody captured, given the rhythm of each file: those that no other file
// may cover.
func (t *Trace) Blinded(files []Rhythm) {
	t.Gaps, t.Pauses = slices.Clone(t.Gaps), slices.Clone(t.Pauses)
	for i := range files {
		for _, g := range files[i].Gaps() {
			if !slices.ContainsFunc(files[:i], func(o Rhythm) bool { return o.covers(g) }) && !slices.ContainsFunc(files[i+1:], func(o Rhythm) bool { return o.covers(g) }) {
				t.blinded(g)
			}
		}
	}
}

func (r *Rhythm) covers(g Gap) bool { return r.First < g.To && r.Last > g.From }

func (t *Trace) blinded(g Gap) {
	if i := slices.Index(t.Pauses, g); i >= 0 {
		t.Interrupted(i)
	} else if !slices.Contains(t.Gaps, g) {
		t.addGap(g)
	}
}
