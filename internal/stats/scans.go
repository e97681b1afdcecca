package stats

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Scans are which ports of which hosts refused whom, and how often. Who tries many ports of a host, each once, or a port of many
// hosts, looks for what is there: such a refusal tells of no service that is missing. As Hosts, it is bounded, and
// does not depend on the order of connections.
type Scans struct {
	Refusals []Refusals // sorted by client and server
	Told     []Pair     `json:",omitempty"` // sorted, lower address first: of which one may have told the other where to connect to
	Clients  []Client   `json:",omitempty"` // sorted: of whom servers took connections
	Crowd    bool       `json:",omitempty"` // there were too many of these to keep
	Many     bool       `json:",omitempty"` // there were too many to keep
	Others   bool       `json:",omitempty"` // there were refusals that are no part of a port scan, now left out
	Total    int        // of the ports of all
}

// A Pair is a client and a server, by their addresses.
type Pair struct{ Client, Server [16]byte }

func (p Pair) compare(q Pair) int {
	return cmp.Or(bytes.Compare(p.Client[:], q.Client[:]), bytes.Compare(p.Server[:], q.Server[:]))
}

// either is the pair whichever of the two is the client.
func (p Pair) either() Pair {
	if bytes.Compare(p.Client[:], p.Server[:]) > 0 {
		p.Client, p.Server = p.Server, p.Client
	}
	return p
}

// Refusals are those of one host, of one client.
type Refusals struct {
	Pair
	Ports []uint16 // sorted
	Times []byte   // that each refused, maxTimes at most
}

// How many pairs are kept, of which so many ports in all: those of four whole hosts.
const (
	maxPairs = 4096
	maxPorts = 4 << 16
)

// When refusals are a port scan: of so many ports as no application asks one host for, and each less than that often: scanners
// try a port again to be sure, or scan twice, and those who want a service go on trying.
const (
	MinScanned = 50
	MaxTimes   = 4 // too often

	mostServices = 500 // ports: scanners know the thousand most common ones
)

// maxTimes is up to how many refusals of a port are counted.
const maxTimes = math.MaxUint8

// SystemPorts is below which no port is given to whoever asks (RFC 6335 6).
const SystemPorts = 1024

// Refuse counts a connection that the server refused.
func (s *Scans) Refuse(client, server reassembly.Endpoint) {
	s.add(Pair{client.Addr, server.Addr}, server.Port, 1)
}

// Tell notes that the server may have told the client, or the client the server, which port to connect to.
func (s *Scans) Tell(client, server reassembly.Endpoint) {
	s.tell(Pair{client.Addr, server.Addr}.either())
}

func (s *Scans) tell(p Pair) {
	if i, is := slices.BinarySearchFunc(s.Told, p, Pair.compare); !is && !s.full(len(s.Told) >= maxPairs) {
		s.Told = sorting.Insert(s.Told, i, p)
	}
}

func (s *Scans) add(p Pair, port uint16, times byte) {
	if s.Many {
		return
	}
	i, is := s.find(p)
	if !is {
		if s.full(len(s.Refusals) >= maxPairs) {
			return
		}
		s.Refusals = sorting.Insert(s.Refusals, i, Refusals{Pair: p})
	}
	r := &s.Refusals[i]
	k, is := slices.BinarySearch(r.Ports, port)
	switch {
	case is:
		r.Times[k] += min(times, maxTimes-r.Times[k])
	case !s.full(s.Total >= maxPorts):
		s.Total++
		r.Ports, r.Times = sorting.Insert(r.Ports, k, port), sorting.Insert(r.Times, k, times)
	}
}

// full reports whether nothing more is counted, from now on if so.
func (s *Scans) full(now bool) bool {
	if now {
		*s = Scans{Many: true}
	}
	return s.Many
}

func (s *Scans) find(p Pair) (i int, is bool) {
	return slices.BinarySearchFunc(s.Refusals, p, func(r Refusals, p Pair) int { return r.compare(p) })
}

// Add adds those of other connections of the trace.
func (s *Scans) Add(o *Scans) {
	s.full(o.Many)
	s.Others = s.Others || o.Others
	s.addClients(o)
	for i := range o.Refusals {
		for k, port := range o.Refusals[i].Ports {
			s.add(o.Refusals[i].Pair, port, o.Refusals[i].Times[k])
		}
	}
	for _, p := range o.Told {
		s.tell(p)
	}
}

// Only leaves out what is no port scan.
func (s *Scans) Only() {
	sweeps := s.sweeps()
	all := s.Refusals
	s.Refusals, s.Total = nil, 0
	for i := range all {
		r := &all[i]
		s.Others = s.Others || s.asks(r, sweeps)
		left := *r
		if !s.scan(r) {
			left = r.ofSweeps(sweeps)
		}
		if len(left.Ports) > 0 {
			s.Refusals = append(s.Refusals, left)
			s.Total += len(left.Ports)
		}
	}
	s.Told = nil
	s.Clients = slices.DeleteFunc(s.Clients, func(c Client) bool {
		i, _ := s.find(Pair{Client: c.Addr})
		return i >= len(s.Refusals) || s.Refusals[i].Client != c.Addr
	})
}

// Scanned is how many ports of the server the client has scanned, of which this is one; 0 if it has scanned none.
func (s *Scans) Scanned(client, server reassembly.Endpoint) int {
	p := Pair{client.Addr, server.Addr}
	n, often := s.Scanning(p)
	if n == 0 {
		return 0
	}
	i, _ := s.find(p)
	r := &s.Refusals[i]
	if k, is := slices.BinarySearch(r.Ports, server.Port); !is || int(r.Times[k]) >= often {
		return 0
	}
	return n
}

// Scanning is of how many ports the server refused the client, which has scanned it, and how many tries of one port are too many for that;
// 0 if it has not.
func (s *Scans) Scanning(p Pair) (ports, often int) {
	i, is := s.find(p)
	if !is || !s.scan(&s.Refusals[i]) {
		return 0, 0
	}
	return len(s.Refusals[i].Ports), int(s.Refusals[i].often())
}

// All reports whether all refusals are those of port scans, if any.
func (s *Scans) All() bool {
	sweeps := s.sweeps()
	return len(s.Refusals) > 0 && !s.Others && !slices.ContainsFunc(s.Refusals, func(r Refusals) bool { return s.asks(&r, sweeps) })
}

// asks reports whether not all of these refusals are part of a port scan.
func (s *Scans) asks(r *Refusals, sweeps map[Client]refusers) bool {
	if s.scan(r) {
		return slices.Max(r.Times) >= r.often()
	}
	return slices.Max(r.Times) >= MaxTimes || len(r.ofSweeps(sweeps).Ports) < len(r.Ports)
}

// scan reports whether the refusals are those of a port scan.
func (s *Scans) scan(r *Refusals) bool {
	if len(r.Ports) < MinScanned {
		return false
	}
	often, too := 0, r.often()
	for _, n := range r.Times {
		if n >= too {
			often++
		}
	}
	_, told := slices.BinarySearchFunc(s.Told, r.either(), Pair.compare)
	return often*10 <= len(r.Ports) && !(told && r.Ports[0] >= SystemPorts)
}

// often is how many times are too often for a port of a scan: more than twice as many as half of the ports refused, if that is more. Who tries
// a whole range of ports, every second or more of which has refused, or more ports than one host has services, does so in rounds, and insists on none.
// Fewer, which do not lie so close together, may be services, such as the backends of a balancer, to each of which it comes back.
func (r *Refusals) often() byte {
	if n := len(r.Ports); n < MinScanned || n < mostServices && int(r.Ports[n-1]-r.Ports[0]) >= 2*n {
		return MaxTimes
	}
	var ports [maxTimes + 1]int // that refused so often
	for _, times := range r.Times {
		ports[times]++
	}
	half, n := 0, 0
	for ; 2*n <= len(r.Ports); half++ {
		n += ports[half]
	}
	return byte(min(max(MaxTimes, 2*half-1), maxTimes)) // half is one more than the median
}
