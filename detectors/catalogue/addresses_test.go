package catalogue_test

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
)

// What addresses tell: for which server something on the link of its client answers, and what no router forwards.
func TestAddresses(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/addresses.txtar")
}

// What addresses of the link tell, which printed packets and many encapsulations do not have.
func TestOtherDevice(t *testing.T) {
	detectortest.Run(t, catalogue.All, "testdata/other-device.txtar")
}
