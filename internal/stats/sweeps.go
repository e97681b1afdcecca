package stats

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Client is one who connects to a port of servers, and how many connections they took.
type Client struct {
	Addr  [16]byte
	Port  uint16 // the servers'
	Taken uint64
}

func (c Client) compare(d Client) int {
	return cmp.Or(bytes.Compare(c.Addr[:], d.Addr[:]), cmp.Compare(c.Port, d.Port))
}

// MinSwept is of how many hosts the same port refuses one client for that to be a sweep: no application, nor a balancer with its
// health checks, has as many servers, none of which it asks often, and of which so few take its connections.
const MinSwept = 50

// Take counts a connection that a server did not refuse.
func (s *Scans) Take(client, server reassembly.Endpoint) {
	s.take(Client{client.Addr, server.Port, 1})
}

func (s *Scans) take(c Client) {
	if s.Many || s.Crowd {
		return
	}
	i, is := slices.BinarySearchFunc(s.Clients, c, Client.compare)
	switch {
	case is:
		s.Clients[i].Taken += c.Taken
	case len(s.Clients) >= maxPairs:
		s.Clients, s.Crowd = nil, true
	default:
		s.Clients = sorting.Insert(s.Clients, i, c)
	}
}

// addClients adds those of other connections of the trace.
func (s *Scans) addClients(o *Scans) {
	if s.Many {
		return
	}
	if s.Crowd = s.Crowd || o.Crowd; s.Crowd {
		s.Clients = nil
	}
	for _, c := range o.Clients {
		s.take(c)
	}
}

// refusers are how many hosts refuse a client at a port, and how many of these more often than a scanner asks.
type refusers struct{ hosts, often int }

func (n *refusers) count(times byte) {
	if n.hosts++; times >= MaxTimes {
		n.often++
	}
}

// MaySweep reports whether there is a sweep, unless servers take more connections of the client.
func (s *Scans) MaySweep() bool { return len(s.sweeps()) > 0 }

// refusers are those of a port of a client that are as many as a sweep has. At most one in MinSwept of all ports are in the map.
func (s *Scans) refusers() map[Client]refusers {
	all := map[Client]refusers{}
	for from := 0; from < len(s.Refusals); {
		own := s.of(from)
		if from += len(own); len(own) < MinSwept {
			continue
		}
		ports := map[uint16]refusers{}
		for i := range own {
			for k, port := range own[i].Ports {
				n := ports[port]
				n.count(own[i].Times[k])
				ports[port] = n
			}
		}
		for port, n := range ports {
			if n.hosts >= MinSwept {
				all[Client{Addr: own[0].Client, Port: port}] = n
			}
		}
	}
	return all
}

// of are the refusals of the client whose first they are.
func (s *Scans) of(from int) []Refusals {
	to := from
	for to < len(s.Refusals) && s.Refusals[to].Client == s.Refusals[from].Client {
		to++
	}
	return s.Refusals[from:to]
}

// sweeps are those that are a sweep.
func (s *Scans) sweeps() map[Client]refusers {
	all := s.refusers()
	maps.DeleteFunc(all, func(c Client, n refusers) bool { return !s.sweep(c, n) })
	return all
}

// sweep reports whether it is one: few hosts were asked often, and of others of the client's, at most half as many took a connection.
func (s *Scans) sweep(c Client, n refusers) bool {
	if n.hosts < MinSwept || n.often*10 > n.hosts || s.Crowd {
		return false
	}
	i, is := slices.BinarySearchFunc(s.Clients, c, Client.compare)
	return !is || s.Clients[i].Taken*2 <= uint64(n.hosts)
}

// Swept is how many hosts refused the client at the server's port, if that is a sweep of which this is one; 0 if it is none.
func (s *Scans) Swept(client, server reassembly.Endpoint) int {
	i, is := s.find(Pair{client.Addr, server.Addr})
	if !is || !s.Refusals[i].seldom(server.Port) {
		return 0
	}
	return s.SweptPort(client, server.Port)
}

// SweptPort is how many hosts refused the client at the port, if that is a sweep; 0 if it is none.
func (s *Scans) SweptPort(client reassembly.Endpoint, port uint16) int {
	from, _ := s.find(Pair{Client: client.Addr})
	n, own := refusers{}, s.of(from)
	for i := range own {
		if k, is := slices.BinarySearch(own[i].Ports, port); is {
			n.count(own[i].Times[k])
		}
	}
	if !s.sweep(Client{Addr: client.Addr, Port: port}, n) {
		return 0
	}
	return n.hosts
}

// seldom reports whether the port refused, and less often than one that is asked for.
func (r *Refusals) seldom(port uint16) bool {
	k, is := slices.BinarySearch(r.Ports, port)
	return is && r.Times[k] < MaxTimes
}

// ofSweeps leaves the ports of sweeps.
func (r *Refusals) ofSweeps(all map[Client]refusers) (x Refusals) {
	x.Pair = r.Pair
	for k, port := range r.Ports {
		if _, is := all[Client{Addr: r.Client, Port: port}]; is {
			x.Ports, x.Times = append(x.Ports, port), append(x.Times, r.Times[k])
		}
	}
	return x
}
