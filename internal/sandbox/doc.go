// Package sandbox takes from the process what it does not need to judge a
// capture: capabilities, files, and system calls. Whoever finds a mistake in a
// decoder then holds a process that can do little more than print.
package sandbox

// Needs are what the process may still do.
type Needs struct {
	Read  []string // files and directories
	Write []string // files, and directories in which files are made and replaced
}
