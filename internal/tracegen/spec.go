package tracegen

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A Spec says which trace to write. The zero value of every field but Frames
// stands for its default; Frames and Flood must not both be zero.
type Spec struct {
	Frames int64  // frames of connections, those with planted faults included
	Flows  int    // connections open at a time; default 20,000, fewer if Frames is small
	Snap   int    // bytes kept of each frame; default all
	Flood  int64  // spoofed SYNs on top, each a connection of its own
	Faults int    // connections with each of the three planted faults
	IPv6   int    // one connection in this many is IPv6; default 8, negative none
	Nanos  bool   // nanosecond timestamps; default microseconds, as tcpdump writes
	Seed   uint64 // another seed, another trace
}

// A Truth is what an analyser must find in a trace.
type Truth struct {
	Frames      int64     `json:"frames"`      // in the file, flood included
	Connections int64     `json:"connections"` // different four-tuples, flood included; none is used twice
	Bytes       int64     `json:"bytes"`       // size of the file
	First       time.Time `json:"first"`       // of the first frame
	Last        time.Time `json:"last"`        // of the last frame
	Faults      []Fault   `json:"faults"`
}

// A Fault is one planted fault, provable before the trace ends. A trace also
// ends in the middle of healthy closes, which prove nothing.
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

	// framesPerConn is how many frames the mix of plans makes of a connection,
	// as measured.
	framesPerConn = 100
	// lifetime is how long a connection usually stays open.
	lifetime = 20 * time.Second
	// faultTime is the planned duration that lets every fault mature, with
	// room for the duration to come out shorter than planned.
	faultTime = 60 * time.Second
	// floodRate bounds a flood that has the trace for itself, SYNs a second.
	floodRate = 500_000
)

// filled returns the spec with its defaults in place.
func (s Spec) filled() (Spec, error) {
	if s.Frames < 0 || s.Flood < 0 || s.Flows < 0 || s.Faults < 0 {
		return s, errors.New("tracegen: negative count")
	}
	if s.Frames == 0 && s.Flood == 0 {
		return s, errors.New("tracegen: no frames asked for")
	}
	if s.Flows == 0 {
		s.Flows = defaultFlows
	}
	s.Flows = int(min(int64(s.Flows), s.Frames/(framesPerConn/4)+1))
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

// pace is how fast connections live so that the trace lasts as long as
// planned, in nanoseconds.
type pace struct {
	duration float64
	lifetime float64
}

// pace plans the trace's duration: the frames spread over connections that
// live about 20 s each, or longer if planted faults need the time.
func (s Spec) pace() pace {
	if s.Frames == 0 {
		return pace{duration: max(1e9, float64(s.Flood)/floodRate*1e9)}
	}
	generations := float64(s.Frames) / float64(framesPerConn) / float64(s.Flows)
	p := pace{duration: generations * float64(lifetime)}
	if s.Faults > 0 {
		p.duration = max(p.duration, float64(faultTime))
	}
	p.lifetime = p.duration / generations
	return p
}
