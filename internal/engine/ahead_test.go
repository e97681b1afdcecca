package engine

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// What is read ahead is what was to be read, the error included, however it comes.
func TestAhead(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 1000)
	broken := errors.New("broken")
	for name, reader := range map[string]func(io.Reader) io.Reader{
		"as it is":           func(r io.Reader) io.Reader { return r },
		"by halves":          iotest.HalfReader,
		"with its error":     iotest.DataErrReader,
		"and ends too early": func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(io.ErrUnexpectedEOF)) },
		"and breaks":         func(r io.Reader) io.Reader { return io.MultiReader(r, iotest.ErrReader(broken)) },
		"byte by byte":       iotest.OneByteReader,
	} {
		want, wantErr := io.ReadAll(reader(bytes.NewReader(content)))
		a := readAhead(reader(bytes.NewReader(content)), 1000)
		got, err := io.ReadAll(a)
		if !bytes.Equal(got, want) || err != wantErr {
			t.Errorf("%s: read %d bytes and %v, want %d and %v", name, len(got), err, len(want), wantErr)
		}
		if n, again := a.Read(make([]byte, 1)); n != 0 || wantErr != nil && again != wantErr || wantErr == nil && again != io.EOF {
			t.Errorf("%s: after the end, %d and %v", name, n, again)
		}
		a.Close()
	}
}

// A reading that is given up leaves nothing behind.
func TestAhead_close(t *testing.T) {
	r := &endless{}
	a := readAhead(r, 3000)
	a.Read(make([]byte, 10))
	a.Close()
	if r.read > 4000 { // three blocks, and the one that was read
		t.Errorf("%d bytes were read", r.read)
	}
}

// An endless reader counts what is read of it.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}
