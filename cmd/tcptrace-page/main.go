//go:build js

// Tcptrace-page is the command as the browser page runs it (docs/page.md): the same, and it
// packs the files that it wrote to a directory into one that can be downloaded.
package main

import (
	"archive/zip"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace"
)

// outputs is the directory that is packed, if there is one.
const outputs = "out"

func main() {
	status := tcptrace.Main()
	if _, err := os.Stat(outputs); err == nil {
		if err := pack(); err != nil {
			fmt.Fprintln(os.Stderr, "tcptrace:", err)
			status = 2
		}
	}
	os.Exit(status)
}

func pack() error {
	f, err := os.Create(outputs + ".zip")
	if err != nil {
		return err
	}
	defer f.Close()
	w := zip.NewWriter(f)
	if err := w.AddFS(os.DirFS(outputs)); err != nil {
		return err
	}
	return w.Close()
}
