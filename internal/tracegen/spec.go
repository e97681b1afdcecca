package tracegen

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A Spec describes the trace to write. Zero means the default for every field
// except Frames; Frames and Flood must not both be zero.
type Spec struct {
	Frames int64   // frames of connections, those with planted faults included
	Flows  int     // connections open at a time; default 20,000, fewer if Frames is small
	Snap   int     // bytes kept of each frame; default all
	Flood  int64   // additional spoofed SYNs, each a connection of its own
	Faults int     // connections with each of the three planted faults
	IPv6   int     // one connection in this many is IPv6; default 8, negative none
	Web    bool    // every connection is one short request and its answer, some twelve frames
	Loss   float64 // share of segments that each connection loses; default one in five some, 0.3 to 5 %
	Nanos  bool    // nanosecond timestamps; default microseconds, as tcpdump writes
	Seed   uint64  // of the random numbers
}

// A Truth is what an analyser must find in a trace.
type Truth struct {
	Frames      int64     `json:"frames"`      // in the file, including the flood
	Connections int64     `json:"connections"` // with different four-tuples, including the flood
	Bytes       int64     `json:"bytes"`       // size of the file
	First       time.Time `json:"first"`       // of the first frame
	Last        time.Time `json:"last"`        // of the last frame
	Faults      []Fault   `json:"faults"`
}

// A Fault is one planted fault, which can be proved before the trace ends. A trace
// also ends in the middle of normal closes, which prove nothing.
type Fault struct {
	Detector string         `json:"detector"`
	Outcome  string         `json:"outcome"`
	Client   netip.AddrPort `json:"client"`
	Server   netip.AddrPort `json:"server"`
	Culprit  netip.AddrPort `json:"culprit"` // one of the two
}

const (
	defaultFlows = 20_000
	defaultIPv6  = 8
	wholeFrames  = 262_144 // tcpdump's default snap length
	minSnap      = 54      // Ethernet, IPv4 and TCP without options

	// framesPerConn is the measured average number of frames of a connection.
	framesPerConn = 100
	// framesPerPage is the same where all are short: see Spec.Web.
	framesPerPage = 12
	// lifetime is how long a connection usually stays open.
	lifetime = 20 * time.Second
	// faultTime is a planned duration in which every fault can be proved, even if
	// the trace becomes shorter than planned.
	faultTime = 60 * time.Second
	// floodRate is the rate of a flood without other connections, in SYNs a second.
	floodRate = 500_000
)

// filled returns the spec with its defaults in place.
func (s Spec) filled() (Spec, error) {
	if s.Frames < 0 || s.Flood < 0 || s.Flows < 0 || s.Faults < 0 || !(s.Loss >= 0 && s.Loss < 1) {
		return s, errors.New("tracegen: negative count, or a loss that is not between 0 and 1")
	}
	if s.Frames == 0 && s.Flood == 0 {
		return s, errors.New("tracegen: no frames asked for")
	}
	if s.Flows == 0 {
		s.Flows = defaultFlows
	}
	s.Flows = int(min(int64(s.Flows), s.Frames/int64(s.perConn()/4)+1))
	if s.IPv6 == 0 {
		s.IPv6 = defaultIPv6
	}
	if s.Snap == 0 {
		s.Snap = wholeFrames
	}
	if s.Snap < minSnap {
		return s, fmt.Errorf("tracegen: a snap length of %d cuts the TCP header", s.Snap)
	}
	return s, nil
}

// perConn is how many frames a connection has, on average.
func (s Spec) perConn() int {
	if s.Web {
		return framesPerPage
	}
	return framesPerConn
}

// pace is how long the trace and its connections last, in nanoseconds.
type pace struct {
	duration float64
	lifetime float64
}

// pace plans the duration of the trace: connections last about 20 s, or longer if
// the planted faults need that.
func (s Spec) pace() pace {
	if s.Frames == 0 {
		return pace{duration: max(1e9, float64(s.Flood)/floodRate*1e9)}
	}
	generations := float64(s.Frames) / float64(s.perConn()) / float64(s.Flows)
	p := pace{duration: generations * float64(lifetime)}
	if s.Faults > 0 {
		p.duration = max(p.duration, float64(faultTime))
	}
	p.lifetime = p.duration / generations
	return p
}
