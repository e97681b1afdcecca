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
