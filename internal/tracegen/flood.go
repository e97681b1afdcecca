package tracegen

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// A flood is spoofed SYNs to a server without other clients, evenly spread over the
// trace. The server answers one in eight.
type flood struct {
	size   int64
	sent   int64
	every  float64 // nanoseconds
	mask   uint32
	answer bool // the next frame is the SYN-ACK to the latest SYN

	source, victim end
	segment        segment
}

const (
	floodAnswers = 8
	// answerTime is how long the victim takes to answer, in nanoseconds.
	answerTime = 400
)

func newFlood(s Spec, p pace, rng *rand.Rand) flood {
	f := flood{size: s.Flood, every: p.duration / float64(max(1, s.Flood)), mask: rng.Uint32()}
	f.victim = end{stack: &linuxPlain, mss: 1460, host: serverHost(serverHosts, false, 80)}
	f.victim.scale = linuxPlain.scale
	f.source.stack = &windows
	f.source.mac = clientHost(0, false, 0).mac
	f.source.mss, f.source.scale = 1460, windows.scale
	return f
}

// next is when the next frame of the flood passes the tap.
func (f *flood) next() int64 {
	switch {
	case f.answer:
		return int64(f.every*float64(f.sent)) + answerTime
	case f.sent == f.size:
		return never
	}
	return int64(f.every * float64(f.sent+1))
}

// step makes the next frame.
func (f *flood) step() (from, to *end, g *segment) {
	if f.answer {
		f.answer = false
		f.segment = segment{flags: syn | ack, ack: 1, window: f.victim.stack.window}
		return &f.victim, &f.source, &f.segment
	}
	f.spoof(uint32(f.sent))
	f.answer = f.sent%floodAnswers == 0
	f.sent++
	f.segment = segment{flags: syn, window: f.source.stack.window, ipid: f.source.ipid}
	return &f.source, &f.victim, &f.segment
}

// spoof invents the n-th source. The mixing steps are reversible, so no address
// comes twice.
func (f *flood) spoof(n uint32) {
	a := mix(n ^ f.mask)
	b := mix(a + 1)
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], a)
	f.source.addr = netip.AddrFrom4(addr)
	f.source.port = uint16(1024 + b%64000)
	f.source.ttl = uint8(64 + b>>16%128)
	f.source.ipid = uint16(b >> 8)
	f.source.iss, f.victim.iss = mix(b), mix(b+1)
}

// mix is the finalizer of MurmurHash3: a permutation of the 32-bit numbers.
func mix(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}

func (f *flood) connections() int64 { return f.sent }
