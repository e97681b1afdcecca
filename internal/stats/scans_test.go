package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

func at(host int, port uint16) reassembly.Endpoint {
	return reassembly.Endpoint{Addr: [16]byte{14: byte(host >> 8), 15: byte(host)}, Port: port}
}

// scanOf are refusals of a server, of these ports of each of so many clients.
func scanOf(clients int, from, to uint16) (s Scans) {
	for host := range clients {
		for port := from; port < to; port++ {
			s.Refuse(at(host+1, 5000), at(0, port))
		}
	}
	return s
}

// It does not matter in which order refusals are added, nor how many there are.
func TestScans_add(t *testing.T) {
	for _, n := range []int{1, maxPairs / 2, maxPairs, maxPairs + 1} {
		a, b := scanOf(n, 1, 40), scanOf(n, 30, 61)
		c, d := scanOf(n, 1, 40), scanOf(n, 30, 61)
		a.Tell(at(1, 5000), at(0, 21))
		c.Tell(at(0, 5000), at(1, 21))
		a.Add(&b)
		d.Add(&c)
		if !reflect.DeepEqual(a, d) {
			t.Errorf("of %d clients, the refusals are not the same in another order", n)
		}
		if want := n > maxPairs || n*60 > maxPorts; a.Many != want {
			t.Errorf("of %d clients: too many: %t, want %t", n, a.Many, want)
		}
		if got := a.Scanned(at(1, 1), at(0, 60)); !a.Many && got != 60 {
			t.Errorf("of %d clients, one scanned %d ports, want 60", n, got)
		}
	}
}

// A scan is of many ports, each a few times; one that is tried again and again is no part of it.
func TestScans_scanned(t *testing.T) {
	few, many, insisting, told := scanOf(1, 2000, 2049), scanOf(1, 2000, 2050), scanOf(1, 2000, 2050), scanOf(1, 2000, 2050)
	for i := range 6 {
		for range 3 {
			many.Refuse(at(1, 5000), at(0, 2000+uint16(i%5)))
			insisting.Refuse(at(1, 5000), at(0, 2000+uint16(i)))
		}
	}
	told.Tell(at(0, 21), at(1, 21))
	for _, c := range []struct {
		name string
		of   Scans
		port uint16
		want int
	}{
		{"too few", few, 2010, 0}, {"enough", many, 2010, 50}, {"asked for", many, 2004, 0}, {"no port of it", many, 2050, 0}, {"insists", insisting, 2010, 0}, {"told", told, 2010, 0},
	} {
		if got := c.of.Scanned(at(1, 1), at(0, c.port)); got != c.want {
			t.Errorf("%s: %d ports were scanned, want %d", c.name, got, c.want)
		}
		if c.of.Only(); (len(c.of.Refusals) > 0) != (c.name != "too few" && c.name != "insists" && c.name != "told") {
			t.Errorf("%s: %d scans are left", c.name, len(c.of.Refusals))
		}
	}
}

// All refusals are those of scans only if no port is asked for again and again, and no host is asked for a few ports, left out or not.
func TestScans_all(t *testing.T) {
	none, scan, service, insisting := Scans{}, scanOf(2, 2000, 2060), scanOf(2, 2000, 2060), scanOf(2, 2000, 2060)
	service.Refuse(at(3, 5000), at(0, 80))
	for range MaxTimes {
		insisting.Refuse(at(1, 5000), at(0, 2000))
	}
	for i, s := range []*Scans{&none, &scan, &service, &insisting} {
		for range 2 {
			if got := s.All(); got != (s == &scan) {
				t.Errorf("%d: all are of scans: %t", i, got)
			}
			s.Only()
		}
	}
}

// sweepOf are refusals of one client, by so many hosts, and connections that others took.
func sweepOf(hosts, taken int) (s Scans) {
	for host := range hosts {
		s.Refuse(at(0, 5000), at(host+1, 80))
	}
	for host := range taken {
		s.Take(at(0, 5000), at(hosts+host+1, 80))
	}
	return s
}

// A sweep stays one when what is no scan is left out, and what is none does not become one.
func TestScans_swept(t *testing.T) {
	for _, c := range []struct {
		name string
		of   Scans
		n    int
		all  bool
	}{
		{"a sweep", sweepOf(MinSwept, MinSwept/2), MinSwept, true},
		{"too few", sweepOf(MinSwept-1, 0), 0, false},
		{"taken", sweepOf(MinSwept, MinSwept/2+1), 0, false},
		{"another port", sweepOf(MinSwept, 0), MinSwept, false},
		{"many clients", sweepOf(MinSwept, 0), 0, false},
	} {
		switch c.name {
		case "another port":
			c.of.Refuse(at(0, 5000), at(1, 81))
		case "many clients":
			for client := range maxPairs + 1 {
				c.of.Take(at(client+1, 5000), at(0, 80))
			}
		}
		for range 2 {
			if n := c.of.Swept(at(0, 1), at(1, 80)); n != c.n {
				t.Errorf("%s: %d hosts, want %d", c.name, n, c.n)
			}
			if n := c.of.Swept(at(0, 1), at(1, 81)); n != 0 {
				t.Errorf("%s: %d hosts at a port that is no part of it", c.name, n)
			}
			if got := c.of.All(); got != c.all {
				t.Errorf("%s: all are of scans: %t", c.name, got)
			}
			c.of.Only()
		}
	}
}

// Nor does it matter in which order connections are added, nor how many clients there are.
func TestScans_clients(t *testing.T) {
	for _, n := range []int{1, maxPairs, maxPairs + 1} {
		var a, b, c, d Scans
		for client := range n {
			a.Take(at(client, 1), at(0, 80))
			c.Take(at(client, 1), at(0, 80))
			b.Take(at(client/2, 1), at(0, 80))
			d.Take(at(client/2, 1), at(0, 80))
		}
		a.Add(&b)
		d.Add(&c)
		if !reflect.DeepEqual(a, d) || a.Crowd != (n > maxPairs) {
			t.Errorf("of %d clients: too many: %t; the same in another order: %t", n, a.Crowd, reflect.DeepEqual(a, d))
		}
	}
}

// Who tries a range of ports in rounds scans it, however many these are; a port that is asked more than twice as often is no part of it. Ports that
// lie further apart may be services, if one host may have so many.
func TestScans_rounds(t *testing.T) {
	rounds := func(n, step uint16, more int) (s Scans) {
		for i := range n {
			for range 6 {
				s.Refuse(at(1, 5000), at(0, 2000+i*step))
			}
		}
		for range more {
			s.Refuse(at(1, 5000), at(0, 2000))
		}
		return s
	}
	for _, c := range []struct {
		name string
		of   Scans
		want int
	}{
		{"a range", rounds(MinScanned, 1, 0), MinScanned}, {"half of it", rounds(MinScanned, 2, 0), MinScanned}, {"less", rounds(MinScanned, 3, 0), 0},
		{"asked for", rounds(MinScanned, 2, 7), 0}, {"not more than the others", rounds(MinScanned, 2, 6), MinScanned},
		{"too many for services", rounds(mostServices, 60, 0), mostServices}, {"not too many", rounds(mostServices-1, 60, 0), 0},
	} {
		if got := c.of.Scanned(at(1, 1), at(0, 2000)); got != c.want {
			t.Errorf("%s: %d ports were scanned, want %d", c.name, got, c.want)
		}
	}
}
