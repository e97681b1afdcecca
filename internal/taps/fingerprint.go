package taps

import (
	"cmp"
	"encoding/binary"
	"iter"
	"math/bits"
	"slices"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A print is what two records of one segment have in common, hashed.
type print struct {
	hash   uint64
	record int32
	far    bool // of the other tap
}

// ecn are the flags that a path may change (RFC 3168 6.1).
const ecn = reassembly.ECE | reassembly.CWR

// content is all of a segment that a path leaves as it is, with its numbers moved.
func (r *record) content(seq, ack reassembly.Seq, more uint64) uint64 {
	h := mix(uint64(seq)<<32|uint64(ack), uint64(r.len)<<16|uint64(r.flags&^ecn)<<8^more)
	return mix(h^uint64(r.tsval)<<32, uint64(r.tsecr)<<16|uint64(r.ipid))
}

func mix(h, v uint64) uint64 {
	hi, lo := bits.Mul64(h^0xA0761D6478BD642F, v^0xE7037ED1A0B428DB)
	return hi ^ lo
}

func hashKey(k *reassembly.Key) uint64 {
	h := uint64(k.Lo.Port)<<16 | uint64(k.Hi.Port)
	for _, a := range [...]*[16]byte{&k.Lo.Addr, &k.Hi.Addr} {
		h = mix(h^binary.LittleEndian.Uint64(a[:8]), binary.LittleEndian.Uint64(a[8:]))
	}
	return h
}

// A progress is how far one direction of a four-tuple has come in one unit.
type progress struct {
	iss, end, ack    reassembly.Seq
	syn, sent, acked bool
}

// A walker says of the segments of one unit, in order, which of them a healthy host
// sends only once.
type walker [][2]progress // by four-tuple, or strand

func (s *scan) walker() walker { return make(walker, len(s.tuples)) }

// once reports whether the segment opens, closes, carries new data or acknowledges
// more than before: what is known of the direction before that is the measure. With
// an IP ID that is not zero, whatever takes sequence space counts.
func (w walker) once(r *record) (once bool, p *[2]progress) { return w.of(r.tuple, r) }

// of is once, of the n-th connection.
func (w walker) of(n uint32, r *record) (once bool, p *[2]progress) {
	p = &w[n]
	own := &p[r.side()]
	if r.flags&reassembly.SYN != 0 && (!own.syn || own.iss != r.seq) {
		*own = progress{iss: r.seq, end: r.end(), syn: true, sent: true, ack: r.ack, acked: r.flags&reassembly.ACK != 0}
		return true, p
	}
	if r.flags&reassembly.RST != 0 {
		return false, p
	}
	once = r.ipid != 0 && r.seqLen() > 0
	if !own.sent || own.end.Before(r.end()) {
		once = once || own.sent && r.seqLen() > 0
		own.end, own.sent = r.end(), true
	}
	if r.flags&reassembly.ACK != 0 && (!own.acked || own.ack.Before(r.ack)) {
		once = once || (own.acked || p[1-r.side()].syn) && r.len == 0
		own.ack, own.acked = r.ack, true
	}
	return once, p
}

// prints are the fingerprints of what the records of one place show once.
func (s *scan) prints(records []int32, moved bool) []print {
	return unique(s.allPrints(records, moved))
}

// allPrints are the fingerprints of what a healthy host sends once, sorted. If moved is set,
// sequence numbers count from the initial ones, for a path that rewrites these: then
// only connections whose SYNs were captured have any.
func (s *scan) allPrints(records []int32, moved bool) []print {
	all := make([]print, 0, len(records))
	w := s.walker()
	for _, i := range records {
		r := &s.records[i]
		once, p := w.once(r)
		if !once {
			continue
		}
		seq, ack, more := r.seq, r.ack, uint64(0)
		if moved {
			own, peer := &p[r.side()], &p[1-r.side()]
			if !own.syn || r.flags&reassembly.ACK != 0 && !peer.syn {
				continue
			}
			seq -= own.iss
			if r.flags&reassembly.ACK != 0 {
				ack -= peer.iss
			}
			if r.ipid == 0 && r.tsval == 0 {
				more = hashKey(&s.tuples[r.tuple])
			}
		}
		all = append(all, print{hash: r.content(seq, ack, more), record: i})
	}
	slices.SortFunc(all, byHash)
	return all
}

// byHash orders prints, and those that are the same as their records are.
func byHash(a, b print) int {
	if a.hash != b.hash {
		return cmp.Compare(a.hash, b.hash)
	}
	return cmp.Compare(a.record, b.record)
}

// sameHash divides sorted prints into those that are the same.
func sameHash(sorted []print) iter.Seq[[]print] {
	return func(yield func([]print) bool) {
		for i, j := 0, 0; i < len(sorted); i = j {
			for j = i + 1; j < len(sorted) && sorted[j].hash == sorted[i].hash; j++ {
			}
			if !yield(sorted[i:j]) {
				return
			}
		}
	}
}

// unique are the prints that there is only one of.
func unique(sorted []print) []print {
	kept := sorted[:0]
	for same := range sameHash(sorted) {
		if len(same) == 1 {
			kept = append(kept, same[0])
		}
	}
	return kept
}

// common calls pair with every two records that have the same fingerprint.
func common(a, b []print, pair func(i, j int32)) {
	for x, y := 0, 0; x < len(a) && y < len(b); {
		switch {
		case a[x].hash < b[y].hash:
			x++
		case a[x].hash > b[y].hash:
			y++
		default:
			pair(a[x].record, b[y].record)
			x, y = x+1, y+1
		}
	}
}
