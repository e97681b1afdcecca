package stats

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// It does not matter in which order connections are added, nor how many there are, nor who is the client.
func TestFTP(t *testing.T) {
	host := func(i int, port uint16) reassembly.Endpoint {
		return reassembly.Endpoint{Addr: [16]byte{14: byte(i >> 8), 15: byte(i)}, Port: port}
	}
	for _, n := range []int{10, maxFTP, maxFTP + 1} {
		var all, odd, even FTP
		for i := range n {
			all.Count(host(0, 2000), host(i+1, 21))
			part := &even
			if i%2 == 1 {
				part = &odd
			}
			part.Count(host(i+1, 21), host(0, 2001))
			part.Count(host(0, 2002), host(n+1, 80))
		}
		even.Add(&odd)
		if !reflect.DeepEqual(all, even) {
			t.Errorf("%d pairs are not the same in another order", n)
		}
		few := n <= maxFTP
		if all.Many == few || !all.Between(host(1, 3000), host(0, 20)) || all.Between(host(0, 2003), host(n+1, 3000)) == few {
			t.Errorf("%d pairs: too many: %t; %v", n, all.Many, all.Pairs)
		}
	}
}
