//go:build !linux

package host

import (
	"errors"
	"io"
	"os/exec"
)

func detach(*exec.Cmd) {}

// Serve is for Linux.
func Serve(io.Reader, io.Writer) error {
	return errors.New("--processes is for Linux")
}
