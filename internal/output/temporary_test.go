package output

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestDiscardAll(t *testing.T) {
	dir := t.TempDir()
	var g Guard
	done := filepath.Join(dir, "done.json")
	if err := g.Replace(done, func(w io.Writer) error { _, err := w.Write([]byte("{}")); return err }); err != nil {
		t.Fatal(err)
	}
	if err := g.Replace(filepath.Join(dir, "failed.json"), func(io.Writer) error { return errors.New("no") }); err == nil {
		t.Error("no error")
	}
	if n := len(temporary.names); n != 0 {
		t.Errorf("%d temporary files are left behind files that are finished", n)
	}
	half, err := CreateTemp(dir, ".half.*")
	if err != nil {
		t.Fatal(err)
	}
	half.Close()
	DiscardAll()
	temporary.Unlock()
	keep(half.Name())
	if _, err := os.Stat(half.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Error("half a file is left")
	}
	if _, err := os.Stat(done); err != nil {
		t.Error(err)
	}
}
