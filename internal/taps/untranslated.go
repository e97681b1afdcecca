package taps

import "github.com/tcptrace-go/tcptrace/fsm"

// leftAlone reports whether a device between the taps sent a near record on with the addresses that it had,
// though it translates those of the connection, and notes its far record. Linux does that to a RST that
// conntrack takes for invalid.
func (c *crossing) leftAlone(w *way, i int32) bool {
	s, r := c.scan, &c.scan.records[w.near[i]]
	later, known := w.later(w.near[i])
	if c.row[0].Key == c.row[1].Key || !known {
		return false
	}
	plain := s.plain(w.near[i])
	k, is := c.plainAt(w.farTap)[plain]
	if !is { // where the device itself captured, the addresses do not tell on which side of it
		k, is = c.plainAt(w.nearTap)[plain]
		is = is && s.records[k].ttl < r.ttl && s.records[k].at-r.at <= int64(fsm.DuplicateTime)
	}
	if !is {
		return false
	}
	if d := s.records[k].at - r.at - later; d < w.least-waitPlain || d > w.largest+waitIDs {
		return false
	}
	if w.plain == nil {
		w.plain = map[int32]int32{}
	}
	w.plain[i] = k
	return true
}

// plainAt are the records of a tap by what is plain of them.
func (j *joiner) plainAt(tap int) map[uint64]int32 {
	if j.plain == nil {
		j.plain = map[int]map[uint64]int32{}
	}
	if j.plain[tap] == nil {
		j.plain[tap] = map[uint64]int32{}
		for _, i := range j.recordsOf(tap) {
			j.plain[tap][j.scan.plain(i)] = i
		}
	}
	return j.plain[tap]
}

// plain hashes a record as a path leaves it that translates nothing.
func (s *scan) plain(i int32) uint64 {
	r := &s.records[i]
	return r.content(r.seq, r.ack, hashKey(&s.tuples[r.tuple])+uint64(r.side()))
}
