package live

import (
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/filter"
)

// Options say what to capture.
type Options struct {
	Interface   string
	Promiscuous bool // ask for frames to other stations, too
	// Filter gives the program for the frames' link type, nil for all frames.
	// The kernel runs it where it can; else Ring.Match does.
	Filter func(capture.LinkType) (*filter.Program, error)
}
