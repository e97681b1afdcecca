package cli

import (
	"os"
	"runtime"
	"runtime/debug"
)

// smallHeap is the memory, in bytes, below which no garbage is collected. What a
// connection needs lives as long as the run, and a collection looks at all of it each
// time that the heap has doubled.
const smallHeap = 256 << 20

// delayCollection puts the first garbage collection off until the process has smallHeap.
// From then on the heap may double between two, as usual. GOGC and a lower limit of
// memory come first.
func delayCollection() {
	limit := debug.SetMemoryLimit(-1)
	if os.Getenv("GOGC") != "" || limit <= smallHeap {
		return
	}
	debug.SetMemoryLimit(smallHeap)
	debug.SetGCPercent(-1)
	runtime.AddCleanup(new([16]byte), func(limit int64) { // at the first collection
		debug.SetGCPercent(100)
		debug.SetMemoryLimit(limit)
	}, limit)
}
