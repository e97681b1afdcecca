package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// A tool is a program to time; the capture's name goes where args has file.
type tool struct {
	name string
	path string
	args []string
	okay []int // exit statuses of success besides 0
	runs int
}

// file is replaced by the capture in a tool's arguments.
const file = "\x00"

// ostermann is where distributions install Ostermann's tcptrace. It has the same
// name as this project's program, so PATH does not help.
const ostermann = "/usr/bin/tcptrace"

func (s settings) ours() tool {
	// Status 1: something was found.
	return tool{name: "tcptrace", path: s.tcptrace, args: []string{file}, okay: []int{1}, runs: s.runs}
}

// fastTools are tcptrace and tools that only filter and copy.
func (s settings) fastTools() []tool {
	tools := []tool{s.ours()}
	if path, err := exec.LookPath("tcpdump"); err == nil {
		tools = append(tools, tool{name: "tcpdump", path: path, args: []string{"-r", file, "-w", "/dev/null", "tcp"}, runs: s.runs})
	}
	return tools
}

// everyTool are also those that analyse.
func (s settings) everyTool() []tool {
	tools := s.fastTools()
	if s.slowRuns == 0 {
		return tools
	}
	if isOstermann(ostermann) {
		// -n: otherwise it asks the name servers about every address.
		tools = append(tools, tool{name: "Ostermann's tcptrace", path: ostermann, args: []string{"-n", file}, runs: s.slowRuns})
	}
	if path, err := exec.LookPath("tshark"); err == nil {
		tools = append(tools, tool{name: "tshark -z conv,tcp", path: path, args: []string{"-n", "-q", "-r", file, "-z", "conv,tcp"}, runs: s.slowRuns})
	}
	return tools
}

// isOstermann reports whether a program is Ostermann's, by its version.
func isOstermann(path string) bool {
	out, _ := exec.Command(path, "-v").CombinedOutput() // whatever its status
	return bytes.Contains(out, []byte("Ostermann"))
}

// A sample is one run of a tool.
type sample struct {
	wall time.Duration
	cpu  time.Duration // user and system, of all threads
	peak int64         // maximum of resident bytes, including mapped file pages
}

// run times one run on a capture. It discards the output.
func (t tool) run(capture string) (sample, error) {
	args := slices.Clone(t.args)
	args[slices.Index(args, file)] = capture
	cmd := exec.Command(t.path, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	state := cmd.ProcessState
	if err != nil && (state == nil || !slices.Contains(t.okay, state.ExitCode())) {
		return sample{}, fmt.Errorf("%v: %w: %s", cmd, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return sample{wall: wall, cpu: state.UserTime() + state.SystemTime(), peak: peakMemory(state)}, nil
}
