package taps

import (
	"context"
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A record is what is remembered of one segment, in 64 bytes.
type record struct {
	at       int64
	position uint32 // among all TCP segments of the trace, from 1
	seq, ack reassembly.Seq
	len      uint32
	tsval    uint32
	tsecr    uint32
	frame    uint32
	link     uint32
	tunnel   uint32
	tuple    uint32 // index of its four-tuple
	file     uint16
	window   uint16
	ipid     uint16
	mss      uint16
	unit     uint16
	flags    reassembly.Flags
	ttl      uint8
	has      reassembly.OptionBits
	scale    uint8
	fromHi   bool  // sent by the higher end of the four-tuple
	point    uint8 // capture point, once these are known; noPoint for none
}

// noPoint is the point of what counts for nothing.
const noPoint = 1<<8 - 1

func (r *record) side() int {
	if r.fromHi {
		return 1
	}
	return 0
}

func (r *record) id() result.FrameID { return result.FrameID{File: r.file, Frame: r.frame} }

// seqLen is the length in sequence space.
func (r *record) seqLen() uint32 {
	s := reassembly.Segment{Len: r.len, Flags: r.flags}
	return s.SeqLen()
}

func (r *record) end() reassembly.Seq { return r.seq + reassembly.Seq(r.seqLen()) }

// maxRecords bounds what is remembered of one unit, and maxOfFiles that of all files,
// 64 bytes each.
const (
	maxRecords = 1 << 21
	maxOfFiles = 1 << 23
)

// A unit is the smallest part of a trace that may be a capture point of its own: one
// interface of one file.
type unit struct {
	file, iface uint16
	records     []int32               // indices
	full        bool                  // there were more: nothing is compared that comes after the last record,
	until       int64                 // at this time
	later       map[uint32]*[2]uint64 // how many more, by four-tuple and side

	printed [2][]print // fingerprints: plain, and with numbers relative to the initial ones
	ready   [2]bool
	twice   [][2]int32 // of the plain ones, those that come twice, under two four-tuples
}

// A scan is all that the first reading of a trace remembers.
type scan struct {
	records []record
	tuples  []reassembly.Key
	units   []unit
	infos   []capture.Info
	unitOf  map[uint32]uint16 // by file and interface
	indices map[reassembly.Key]uint32
	limit   int                        // how many records a unit may have
	twice   map[int32]reassembly.Block // what a record's D-SACK says to have arrived twice

	progress func() (read, total int64) // of reading; nil if nobody knows
}

// read reads a trace as the engine will: with the same filter and names, so that
// positions agree.
func read(ctx context.Context, trace *capture.Trace, o *engine.Options, limit int) *scan {
	s := newScan(len(trace.Infos()), limit)
	s.progress = trace.Progress
	d := decode.New()
	d.VerifyChecksums = o.VerifyChecksums
	var (
		fr       capture.Frame
		seg      reassembly.Segment
		position uint32
	)
	for n := 0; n%4096 != 0 || ctx.Err() == nil; n++ {
		if trace.Next(&fr) != nil {
			break
		}
		if o.Until != 0 && fr.At > o.Until || o.Match != nil && !o.Match(&fr) {
			continue
		}
		for reason := range d.Packets(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) {
			switch reason {
			case decode.OK:
				position++
			case decode.ICMPError: // quotes a segment: it has a position, too
				position++
				continue
			default:
				continue
			}
			seg.At, seg.Frame, seg.File = fr.At, fr.Num, fr.File
			if o.Rewrite != nil {
				o.Rewrite(&seg)
			}
			s.add(&seg, s.unit(fr.File, fr.Interface), position)
		}
	}
	s.infos = trace.Infos()
	s.end()
	return s
}

// newScan remembers nothing yet. limit is how many segments of each capture are compared; 0 for
// the default.
func newScan(files, limit int) *scan {
	if limit == 0 {
		limit = min(maxRecords, maxOfFiles/max(1, files))
	}
	return &scan{unitOf: map[uint32]uint16{}, indices: map[reassembly.Key]uint32{}, limit: limit}
}

// end notes until when segments are compared.
func (s *scan) end() {
	for i := range s.units {
		s.units[i].until = s.last(&s.units[i])
	}
}

// captures are the files as the statistics have them.
func (s *scan) captures() []stats.Capture {
	all := make([]stats.Capture, len(s.infos))
	for i := range all {
		all[i] = s.infos[i].Capture
	}
	return all
}

// unit is the number of a unit.
func (s *scan) unit(file, iface uint16) uint16 {
	key := uint32(file)<<16 | uint32(iface)
	n, known := s.unitOf[key]
	if !known {
		n = uint16(len(s.units))
		s.unitOf[key] = n
		s.units = append(s.units, unit{file: file, iface: iface})
	}
	return n
}

func (s *scan) add(seg *reassembly.Segment, n uint16, position uint32) {
	u := &s.units[n]
	tuple, fromLo := s.tuple(seg)
	if len(u.records) == s.limit {
		u.more(tuple, fromLo)
		return
	}
	s.remember(u, n, tuple, fromLo, seg, position)
}

// tuple is the index of a segment's four-tuple, and whether its lower end sent it.
func (s *scan) tuple(seg *reassembly.Segment) (tuple uint32, fromLo bool) {
	key, fromLo := reassembly.KeyOf(seg)
	tuple, known := s.indices[key]
	if !known {
		tuple = uint32(len(s.tuples))
		s.indices[key] = tuple
		s.tuples = append(s.tuples, key)
	}
	return tuple, fromLo
}

func (s *scan) remember(u *unit, n uint16, tuple uint32, fromLo bool, seg *reassembly.Segment, position uint32) {
	r := record{
		at: seg.At, position: position, seq: seg.Seq, ack: seg.Ack, len: seg.Len, frame: seg.Frame, link: seg.LinkAddresses(), tunnel: seg.Tunnel,
		tuple: tuple, file: seg.File, window: seg.Window, ipid: seg.IPID, unit: n, flags: seg.Flags, ttl: seg.TTL, has: seg.Opts.Has, fromHi: !fromLo,
	}
	if r.flags&reassembly.ACK == 0 {
		r.ack = 0
	}
	if r.has&reassembly.HasTimestamps != 0 {
		r.tsval, r.tsecr = seg.Opts.TSVal, seg.Opts.TSEcr
	}
	if r.has&reassembly.HasMSS != 0 {
		r.mss = seg.Opts.MSS
	}
	if r.has&reassembly.HasScale != 0 {
		r.scale = seg.Opts.Scale
	}
	u.records = append(u.records, int32(len(s.records)))
	if len(s.records) == cap(s.records) {
		s.records = slices.Grow(s.records, s.room())
	}
	if b, is := seg.Opts.Twice(seg.Ack); is {
		if s.twice == nil {
			s.twice = map[int32]reassembly.Block{}
		}
		s.twice[int32(len(s.records))] = b
	}
	s.records = append(s.records, r)
}

// room is for how many records more there should be room: as many as the rest of the captures
// will need, if the beginning is like it. The old room is garbage for a while.
func (s *scan) room() int {
	const least, most = 1 << 10, 1 << 21
	n := len(s.records)
	if s.progress == nil || n < least {
		return max(n, least)
	}
	read, total := s.progress()
	if read <= 0 || total <= read {
		return max(n/4, least)
	}
	return min(max(int(float64(n)*float64(total-read)/float64(read)*1.05), n/8, least), most)
}

// more counts a segment that is not remembered.
func (u *unit) more(tuple uint32, fromLo bool) {
	u.full = true
	if u.later == nil {
		u.later = map[uint32]*[2]uint64{}
	}
	n := u.later[tuple]
	if n == nil {
		n = new([2]uint64)
		u.later[tuple] = n
	}
	if fromLo {
		n[0]++
	} else {
		n[1]++
	}
}

// rename replaces the names of files, and numbers interfaces, which may tell as much.
func (s *scan) rename(file func(string) string) {
	if file == nil {
		return
	}
	for i := range s.infos {
		info := &s.infos[i]
		info.File = file(info.File)
		info.Interfaces = slices.Clone(info.Interfaces)
		for k := range info.Interfaces {
			info.Interfaces[k] = fmt.Sprintf("interface-%d", k+1)
		}
	}
}
