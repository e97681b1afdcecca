package names

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

var (
	v4 = netip.MustParseAddr("192.0.2.1")
	v6 = netip.MustParseAddr("2001:db8::1")
)

func TestTable_Hosts(t *testing.T) {
	table := Table{}
	if err := table.Hosts([]byte("# mine\n\n192.0.2.1  web1 web\n2001:db8::1 web6 # six\n192.0.2.1 later\n")); err != nil {
		t.Fatal(err)
	}
	if table[v4] != "web1" || table[v6] != "web6" || len(table) != 2 {
		t.Errorf("%v", table)
	}
	for _, bad := range []string{"web1 192.0.2.1", "192.0.2.1", "192.0.2.1 a\nx y"} {
		if err := (Table{}).Hosts([]byte(bad)); err == nil || !strings.Contains(err.Error(), "line") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTable_DNS(t *testing.T) {
	name := dnsmessage.MustNewName("www.example.com.")
	real := dnsmessage.MustNewName("edge7.example.net.")
	h := func(n dnsmessage.Name, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: n, Type: kind, Class: dnsmessage.ClassINET}
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{Response: true},
		Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{
			{Header: h(name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: real}},
			{Header: h(real, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: v4.As4()}},
			{Header: h(real, dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: v6.As16()}},
		},
	}
	answer, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	table := Table{}
	table.DNS(answer)
	if table[v4] != "www.example.com" || table[v6] != "www.example.com" {
		t.Errorf("%v", table)
	}
	cut := Table{}
	for n := range answer {
		cut.DNS(answer[:n])
	}
	m.Response = false
	question, _ := m.Pack()
	asked := Table{}
	asked.DNS(question)
	if len(asked) != 0 {
		t.Errorf("a question is no answer: %v", asked)
	}
}
