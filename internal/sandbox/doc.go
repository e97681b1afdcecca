// Package sandbox removes rights from the process that it does not need to analyse
// a capture: capabilities, files and system calls. An attacker who exploits a bug
// in a decoder then controls a process that can do little more than print.
package sandbox

// Needs are what the process may still do.
type Needs struct {
	Read  []string // files and directories
	Write []string // files, and directories in which files are made and replaced
}
