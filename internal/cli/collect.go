package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// firstHeap is the memory, in bytes, at which garbage is collected once: tables that have grown leave as
// much behind as they have, and what is read later takes its place.
const firstHeap = 48 << 20

// smallHeap is the memory below which no garbage is collected after that. What a
// connection needs lives as long as the run, and a collection looks at all of it each
// time that the heap has doubled.
const smallHeap = 256 << 20

// largeHeap is from how much memory on the heap does not double between two collections any more, but
// grows by a quarter of what is in use. Much of that are connections, which no collection looks at.
const largeHeap = 850 << 20

// delayCollection puts the first garbage collection off until the process has firstHeap, and the next until
// it has smallHeap, and bounds the growth of a large heap. GOGC and a lower limit of memory come first.
func delayCollection() {
	limit := debug.SetMemoryLimit(-1)
	if os.Getenv("GOGC") != "" || limit <= smallHeap {
		return
	}
	debug.SetMemoryLimit(firstHeap)
	debug.SetGCPercent(-1)
	afterCollection(func() {
		debug.SetMemoryLimit(smallHeap)
		afterCollection(func() {
			debug.SetGCPercent(100)
			boundGrowth(limit)
		})
	})
}

// mediumHeap is from how much memory on garbage is collected when connections end.
const mediumHeap = 24 << 20

// collectsAtEnd returns a function that collects garbage if nobody else has collected any since firstHeap, unless there is little: tables
// that have grown, and what connections needed that have ended, make room for findings and the report. What was collected lies between what is
// in use, where large arrays do not fit: whole pages are given back to the system.
func collectsAtEnd() func() {
	var own atomic.Uint64
	return func() {
		use := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
		metrics.Read(use)
		if paysAtEnd(use[0].Value.Uint64(), use[1].Value.Uint64()-own.Load()) {
			own.Add(1)
			debug.FreeOSMemory()
		}
	}
}

// paysAtEnd reports whether it is worth its time to collect garbage when connections end, where so many bytes are
// in use, and others have collected so often: at firstHeap, and then.
func paysAtEnd(use, others uint64) bool { return use >= mediumHeap && others <= 1 }

// afterCollection has do called after the next garbage collection.
func afterCollection(do func()) {
	runtime.AddCleanup(new([16]byte), func(do func()) { do() }, do)
}

// boundGrowth says how much memory there may be at the next collection, and does so again then.
func boundGrowth(limit int64) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	debug.SetMemoryLimit(nextCollection(int64(live[0].Value.Uint64()), limit))
	afterCollection(func() { boundGrowth(limit) })
}

// nextCollection is at how much memory the next collection comes at the latest, if so much is in use.
func nextCollection(live, limit int64) int64 {
	return min(max(largeHeap, live+live/4), limit)
}
