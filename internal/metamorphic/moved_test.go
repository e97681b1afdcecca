package metamorphic

import (
	"math/rand/v2"
	"testing"
)

// Both sequence spaces begin elsewhere, so that they wrap at any place.
func TestSequenceSpacesMoved(t *testing.T) {
	forEach(t, 2, func(t *testing.T, c *conversation) {
		if c.quoted() {
			return
		}
		for i := range c.frames {
			f := &c.frames[i]
			if f.other {
				continue
			}
			from, to := f.ends()
			tcp := f.tcp()
			seq, ack := be.Uint32(tcp[4:]), be.Uint32(tcp[8:])
			for _, at := range []uint32{0, 1, uint32(f.payload() / 2), uint32(f.payload()) + 1} {
				check(t, c, shifted(c.frames, map[string]uint32{from: -seq - at, to: -ack - at}))
			}
			if !full && i > 20 {
				break
			}
		}
		r := random(t)
		for range 10 {
			check(t, c, shifted(c.frames, randomShift(c.frames, r)))
		}
	})
}

// The conversation took place at another time.
func TestTimeMoved(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		const year = 365 * 86400 * 1e9
		for _, by := range []int64{1, -1, 500e6, 86400e9, 20 * year, -20 * year, 70 * year} {
			checkExactly(t, c, moved(c.frames, func(at int64) int64 { return at + by }))
		}
	})
}

// The ends swap their addresses, so that their order changes.
func TestSidesSwapped(t *testing.T) {
	forEach(t, 1, func(t *testing.T, c *conversation) {
		if !c.quoted() && !c.portMatters() && !c.plain.hosts {
			check(t, c, swapped(c.frames))
		}
	})
}

// Other addresses.
func TestAddressesReplaced(t *testing.T) {
	forEach(t, 2, func(t *testing.T, c *conversation) {
		if c.quoted() || c.portMatters() {
			return
		}
		r := random(t)
		for range 5 {
			check(t, c, readdressed(c.frames, r))
		}
	})
}

// All of these at once, in any encapsulation.
func TestAllMoved(t *testing.T) {
	all := encapsulations()
	forEach(t, 2, func(t *testing.T, c *conversation) {
		if c.quoted() || c.portMatters() || c.plain.hosts {
			return
		}
		r := random(t)
		for range 10 {
			frames := shifted(c.frames, randomShift(c.frames, r))
			by := r.Int64N(2e18) - 9e17
			frames = moved(frames, func(at int64) int64 { return at + by })
			if r.IntN(2) == 0 {
				frames = swapped(frames)
			}
			if r.IntN(2) == 0 {
				frames = readdressed(frames, r)
			}
			if d := &all[r.IntN(len(all))]; d.fits(c) {
				checkIn(t, c, d, frames)
			}
		}
	})
}

// check wants the same findings of the frames.
func check(t *testing.T, c *conversation, frames []frame) {
	t.Helper()
	checkIn(t, c, &plain, frames)
}

func checkIn(t *testing.T, c *conversation, d *encapsulation, frames []frame) {
	t.Helper()
	rep, err := analyse(d.pcap(frames))
	if err != nil {
		t.Fatal(err)
	}
	c.plain.sameFindings(t, summarise(rep, nil))
}

// checkExactly wants IDs and limits to stay as well.
func checkExactly(t *testing.T, c *conversation, frames []frame) {
	t.Helper()
	rep, err := analyse(plain.pcap(frames))
	if err != nil {
		t.Fatal(err)
	}
	c.plain.same(t, summarise(rep, nil))
}

func randomShift(frames []frame, r *rand.Rand) map[string]uint32 {
	shift := map[string]uint32{}
	for i := range frames {
		if !frames[i].other {
			from, to := frames[i].ends()
			for _, end := range []string{from, to} {
				if _, known := shift[end]; !known {
					shift[end] = r.Uint32()
				}
			}
		}
	}
	return shift
}

// shifted moves the sequence space of each end in shift.
func shifted(frames []frame, shift map[string]uint32) []frame {
	return changed(frames, func(f *frame) {
		from, to := f.ends()
		tcp := f.tcp()
		add := func(b []byte, n uint32) { be.PutUint32(b, be.Uint32(b)+n) }
		add(tcp[4:], shift[from])
		const ack = 0x10
		if tcp[13]&ack == 0 {
			return
		}
		add(tcp[8:], shift[to])
		for _, edge := range sackEdges(tcp) {
			add(edge, shift[to])
		}
	})
}

// sackEdges are the captured edges of the SACK blocks, which are in the peer's
// sequence space (RFC 2018 3).
func sackEdges(tcp []byte) (edges [][]byte) {
	const end, noOperation, sack = 0, 1, 5
	options := tcp[20:min(len(tcp), int(tcp[12]>>4)*4)]
	for len(options) > 1 && options[0] != end {
		if options[0] == noOperation {
			options = options[1:]
			continue
		}
		n := int(options[1])
		if n < 2 {
			break
		}
		n = min(n, len(options))
		if options[0] == sack {
			for b := options[2:n]; len(b) >= 4; b = b[4:] {
				edges = append(edges, b[:4])
			}
		}
		options = options[n:]
	}
	return edges
}

// swapped gives each end the other's address and port.
func swapped(frames []frame) []frame {
	return changed(frames, func(f *frame) {
		src, dst := f.addresses()
		ports := f.tcp()
		swap(src, dst)
		swap(ports[:2], ports[2:4])
	})
}

func swap(a, b []byte) {
	for i := range a {
		a[i], b[i] = b[i], a[i]
	}
}

// readdressed gives each host another address and each port another number.
func readdressed(frames []frame, r *rand.Rand) []frame {
	hosts, ports := renamer{}, renamer{}
	return changed(frames, func(f *frame) {
		src, dst := f.addresses()
		hosts.rename(src, r)
		hosts.rename(dst, r)
		ports.rename(f.tcp()[:2], r)
		ports.rename(f.tcp()[2:4], r)
	})
}

// renamer replaces equal values by equal ones, and different values by different
// ones.
type renamer map[string]string

func (m renamer) rename(b []byte, r *rand.Rand) {
	name, known := m[string(b)]
	for !known {
		fresh := make([]byte, len(b))
		for i := range fresh {
			fresh[i] = byte(1 + r.IntN(254))
		}
		if len(b) == 4 { // all public: a public server on the link of a private client is another matter (detectors/spoken_for.go)
			fresh[0] = byte(11 + r.IntN(100))
		}
		name, known = string(fresh), true
		for _, taken := range m {
			known = known && taken != name
		}
		if known {
			m[string(b)] = name
		}
	}
	copy(b, name)
}
