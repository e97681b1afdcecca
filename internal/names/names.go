// Package names knows names of addresses: from a file in the form of /etc/hosts, or from
// the DNS answers of a capture.
package names

import (
	"bufio"
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// maxNames bounds what a capture can make a Table remember.
const maxNames = 1 << 16

// A Table has a name for each address that has one: the first that came.
type Table map[netip.Addr]string

// add keeps the first name of an address.
func (t Table) add(addr netip.Addr, name string) {
	name = strings.TrimSuffix(name, ".")
	if addr = addr.Unmap(); name == "" || len(t) >= maxNames {
		return
	}
	if _, known := t[addr]; !known {
		t[addr] = name
	}
}

// Hosts adds the lines of a file in the form of /etc/hosts: an address, its name, and
// other names, which are ignored. # begins a comment (hosts(5)).
func (t Table) Hosts(text []byte) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; s.Scan(); n++ {
		line, _, _ := strings.Cut(s.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		addr, err := netip.ParseAddr(words[0])
		if err != nil || len(words) < 2 {
			return fmt.Errorf("line %d: want an address and its name, as in /etc/hosts", n)
		}
		t.add(addr.WithZone(""), words[1])
	}
	return s.Err()
}

// DNS adds what a DNS message answers (RFC 1035 4.1): for each address the name that was
// asked for, not the last of a chain of aliases. What is no answer, or cut, is ignored
// from there on.
func (t Table) DNS(message []byte) {
	var p dnsmessage.Parser
	head, err := p.Start(message)
	if err != nil || !head.Response || head.RCode != dnsmessage.RCodeSuccess {
		return
	}
	question, err := p.Question()
	if err != nil || p.SkipAllQuestions() != nil {
		return
	}
	for {
		h, err := p.AnswerHeader()
		if err != nil {
			return
		}
		switch h.Type {
		case dnsmessage.TypeA:
			r, err := p.AResource()
			if err != nil {
				return
			}
			t.add(netip.AddrFrom4(r.A), question.Name.String())
		case dnsmessage.TypeAAAA:
			r, err := p.AAAAResource()
			if err != nil {
				return
			}
			t.add(netip.AddrFrom16(r.AAAA), question.Name.String())
		default:
			if p.SkipAnswer() != nil {
				return
			}
		}
	}
}
