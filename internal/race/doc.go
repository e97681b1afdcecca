// Package race tells tests whether they run with the race detector.
package race

// Leaves reports whether the test leaves out the i-th of many like cases: with the race detector it takes every third. What runs at
// the same time is the same in all, and takes five times as long or more.
func Leaves(i int) bool { return Enabled && i%3 != 0 }
