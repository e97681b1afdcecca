//go:build !linux

package cli

// enoughFiles does not look on this system.
func enoughFiles() error { return nil }

// limitMemory knows no limits on this system.
func (c *command) limitMemory() error { return nil }
