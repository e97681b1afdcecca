package detectors

import "fmt"

// idleDefaults are times after which well-known middleboxes forget a connection
// in which nothing is sent, shortest first. Sources: the vendors' manuals.
var idleDefaults = []struct {
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
	{7200, "NATs that keep to RFC 5382 (two hours)"},
}

// idleFit says which defaults lie between a silence that did no harm and one
// that did, in words, and the shortest of them in seconds: 0 if there is none.
func idleFit(survived, idle int64) (shortest int, words string) {
	n := 0
	for _, d := range idleDefaults {
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
