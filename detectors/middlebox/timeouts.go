// Package middlebox knows after how long well-known middleboxes forget a connection.
package middlebox

import (
	"fmt"
)

// defaults are times after which well-known middleboxes forget a connection
// in which nothing is sent, shortest first. Sources: the vendors' manuals.
var defaults = []struct {
	s   int
	who string
}{
	{60, "many proxies and load balancers (AWS ALB, nginx)"},
	{240, "Azure load balancers"},
	{300, "F5 BIG-IP and others"},
	{350, "AWS network load balancers and NAT gateways"},
	{600, "Google Cloud's firewall"},
	{900, "Linux virtual servers (IPVS)"},
	{3600, "many firewalls (Cisco ASA, Palo Alto)"},
	{7200, "NATs that follow RFC 5382 (two hours)"},
}

// Fit says which defaults lie between a silence that did no harm and one
// that did, in words, and the shortest of them in seconds: 0 if there is none.
func Fit(survived, idle int64) (shortest int, words string) {
	n := 0
	for _, d := range defaults {
		at := int64(d.s) * 1e9
		if at <= survived || at > idle {
			continue
		}
		if n++; n == 1 {
			shortest = d.s
		}
		words = fmt.Sprintf("the %d s of %s", d.s, d.who)
	}
	if n > 1 {
		words += fmt.Sprintf(", or a shorter limit down to %d s", shortest)
	}
	return shortest, words
}

// Jitter is by how much a silence may look shorter than it was to the device that timed
// it, in nanoseconds: what ended it may have been on its way for less time than what
// began it. No timer runs out early.
const Jitter = 1e8

// OnTheDot is the well-known idle timeout just after which a silence ended, in seconds; 0 if there is none. Then a
// middlebox may have ended it.
func OnTheDot(idle int64) int {
	s, _ := just(idle)
	return s
}

// Words says which that is.
func Words(idle int64) string {
	switch s, who := just(idle); {
	case s == 0:
		return ""
	case idle < int64(s)*1e9:
		return fmt.Sprintf("almost exactly the %d s of %s", s, who)
	default:
		return fmt.Sprintf("just past the %d s of %s", s, who)
	}
}

// just finds it: a fiftieth and a second more is no chance.
func just(idle int64) (s int, who string) {
	for _, d := range defaults {
		if at := int64(d.s) * 1e9; idle >= at-Jitter && idle <= at+at/50+1e9 {
			return d.s, d.who
		}
	}
	return 0, ""
}
