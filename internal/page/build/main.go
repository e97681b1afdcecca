// Build writes the browser page to a directory: go run ./internal/page/build DIRECTORY
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/tcptrace-go/tcptrace/internal/page"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: build DIRECTORY")
		os.Exit(2)
	}
	if err := build(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func build(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	parts, err := page.Build(os.Getenv("VERSION"))
	if err == nil {
		err = page.Write(dir, parts)
	}
	if err != nil {
		return err
	}
	for _, name := range []string{page.Index, page.Module, page.Single} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Printf("%-20s %5.2f MB\n", name, float64(st.Size())/1e6)
	}
	return nil
}
