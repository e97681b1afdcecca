package evidence

import (
	"io"
	"os"
)

// A body is what a file has behind its section header, while it is gathered: in
// memory, as long as all of them have room there, and then in a file.
type body struct {
	room *room
	buf  []byte
	file string // "" while there is none
}

// A room is the memory that bodies share. No file stays open: there may be more
// of them than a process may have.
type room struct {
	dir    string
	max    int // bytes
	used   int
	bodies []*body
}

const maxRoom = 64 << 20

// body returns an empty one.
func (r *room) body() *body {
	b := &body{room: r}
	r.bodies = append(r.bodies, b)
	return b
}

// Write adds to the body.
func (b *body) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	if b.room.used += len(p); b.room.used > b.room.max {
		return len(p), b.room.spill()
	}
	return len(p), nil
}

// spill empties the room into files.
func (r *room) spill() error {
	for _, b := range r.bodies {
		if err := b.spill(); err != nil {
			return err
		}
	}
	r.used = 0
	return nil
}

func (b *body) spill() (err error) {
	if len(b.buf) == 0 {
		return nil
	}
	var f *os.File
	if b.file == "" {
		if f, err = os.CreateTemp(b.room.dir, ".evidence-*"); err == nil {
			b.file = f.Name()
		}
	} else {
		f, err = os.OpenFile(b.file, os.O_WRONLY|os.O_APPEND, 0)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(b.buf)
	b.buf = nil
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// copyTo writes the whole body.
func (b *body) copyTo(w io.Writer) error {
	if b.file != "" {
		f, err := os.Open(b.file)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.Copy(w, f); err != nil {
			return err
		}
	}
	_, err := w.Write(b.buf)
	return err
}

// clear removes the files of the bodies.
func (r *room) clear() {
	for _, b := range r.bodies {
		if b.file != "" {
			os.Remove(b.file)
		}
	}
}
