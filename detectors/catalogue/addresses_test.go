package catalogue_test

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
	"github.com/tcptrace-go/tcptrace/detectors/opening"
)

// What addresses tell: for which server something on the link of its client answers, and what no router forwards.
func TestAddresses(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/addresses.txtar")
}

// TestAddresses_fault: whose fault it is if an ICMP error answers a SYN.
func TestAddresses_fault(t *testing.T) {
	want := map[string]detectors.Fault{
		"beyond scope of source address": detectors.FaultHost, "told [fe80::1]:40000 by ICMP: no route": detectors.FaultUnknown,
		"told [2001:db8:1::1]:40000 by ICMP: no route":                detectors.FaultPath,
		"9 told [2001:db8:1::1]:40000 by ICMP: source address failed": detectors.FaultUnknown, "2001:db8::2 told": detectors.FaultHost,
	}
	for f := range findingsOf(t, opening.SYNUnanswered, "testdata/addresses.txtar") {
		for words, fault := range want {
			if strings.Contains(f.Message, words) {
				delete(want, words)
				if f.Fault != fault {
					t.Errorf("fault %v, want %v: %s", f.Fault, fault, f.Message)
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("no findings for %v", want)
	}
}

// What addresses of the link tell, which printed packets and many encapsulations do not have.
func TestOtherDevice(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/other-device.txtar")
}
