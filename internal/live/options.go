package live

import (
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// Options describe what to capture.
type Options struct {
	Interface   string
	Promiscuous bool // also frames to other stations
	// Filter returns the filter program for a link type; nil captures all frames.
	// The kernel runs it if it can, otherwise Ring.Match does.
	Filter func(capture.LinkType) (*filter.Program, error)
}
