package pipeline

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// needFlink skips a test if there is no Flink.
func needFlink(t *testing.T) {
	t.Helper()
	if *jars == "" {
		t.Skip("-flink must name the folder with the jars of Flink: contrib/beam/flink/flink fetch JARS")
	}
}

// All samples as one trace, and a generated one in rotated files, on Flink. While one
// of the files is being read, its worker is killed, and Flink repeats the bundle.
func TestFlink(t *testing.T) {
	needFlink(t)
	folder := t.TempDir()
	files := generate(t, folder, *frames/4, 20)
	inOne := Options{Inputs: samples(t), Output: filepath.Join(folder, "samples"), Range: 10}
	generated := Options{Inputs: []string{filepath.Join(folder, "trace*.pcap")}, Output: filepath.Join(folder, "report"), Range: 100}

	c := embedded(t)
	killed := interrupt(t, files[7], c.kill)
	c.run(inOne, generated)
	if n := killed(); n == 0 {
		t.Error("no worker was killed")
	}
	same(t, inOne, inOne.Inputs)
	same(t, generated, files)
}

// interrupt makes a file a pipe. When a worker has read half of it, it is a file again,
// and kill is called, which kills this worker. The returned function waits for that and
// returns what kill returned.
func interrupt(t *testing.T, name string, kill func() int) func() int {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	whole := name + ".whole"
	if err := errors.Join(os.Rename(name, whole), syscall.Mkfifo(name, 0o644)); err != nil {
		t.Fatal(err)
	}
	killed := make(chan int, 1)
	go func() {
		w, err := os.OpenFile(name, os.O_WRONLY, 0) // waits for a reader
		if err != nil {
			killed <- 0
			return
		}
		defer w.Close()
		_, _ = w.Write(data[:len(data)/2])
		_ = os.Rename(whole, name)
		killed <- kill()
	}()
	return func() int {
		if r, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0); err == nil { // if nobody has read it
			defer r.Close()
		}
		return <-killed
	}
}
