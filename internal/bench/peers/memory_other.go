//go:build !linux

package main

import "os"

// peakMemory is measured only on Linux.
func peakMemory(*os.ProcessState) int64 { return 0 }

func ownPeak() int64 { return 0 }
