package main

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/detectortest"
)

func TestHurriedClose(t *testing.T) {
	detectortest.Run(t, []*detectors.Detector{HurriedClose}, "testdata/*.txtar")
}
