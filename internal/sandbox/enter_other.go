//go:build !linux

package sandbox

// Enter does nothing on this system.
func Enter(Needs) (active []string) { return nil }
