package packed

import "github.com/tcptrace-go/tcptrace/reassembly"

// A direction is one direction of a connection, with what is expected of its next
// segment.
type direction struct {
	next, ack     reassembly.Seq
	length        uint32
	tunnel, link  uint32
	tsVal, tsEcr  uint32
	window, ipid  uint16
	flags         reassembly.Flags
	ttl           uint8
	options       reassembly.OptionBits
	used, counted bool // counted: its IP identifications count up
}

// A pair is a four-tuple of a chunk.
type pair struct {
	ends [2]reassembly.Endpoint
	dirs [2]direction
}

// direction returns a direction, prepared for its first segment.
func (p *pair) direction(dir int) *direction {
	l := &p.dirs[dir]
	if !l.used {
		l.used = true
		l.next, l.ack = p.dirs[1-dir].ack, p.dirs[1-dir].next
	}
	return l
}

// expectIPID is the identification that the next segment should have.
func (l *direction) expectIPID() uint16 {
	if l.counted {
		return l.ipid + 1
	}
	return l.ipid
}

// update remembers a segment.
func (l *direction) update(seg *reassembly.Segment) {
	l.counted = seg.IPID != l.ipid
	l.next, l.ack, l.length = seg.End(), seg.Ack, seg.Len
	l.tunnel, l.link, l.ttl = seg.Tunnel, seg.Link, seg.TTL
	l.window, l.ipid, l.flags = seg.Window, seg.IPID, seg.Flags
	l.options = seg.Opts.Has
	if seg.Opts.Has&reassembly.HasTimestamps != 0 {
		l.tsVal, l.tsEcr = seg.Opts.TSVal, seg.Opts.TSEcr
	}
}

// state is what the next record of a chunk is relative to.
type state struct {
	position uint64
	at       int64
	file     uint16
	last
	others map[uint16]last // of the other files
}

// last is of the last segment of a file.
type last struct {
	frame uint32
	tap   uint8
}

func (s *state) reset() { *s = state{others: s.others}; clear(s.others) }

// change changes to another file.
func (s *state) change(file uint16) {
	if s.others == nil {
		s.others = map[uint16]last{}
	}
	s.others[s.file] = s.last
	s.file, s.last = file, s.others[file]
}
