package capture

import (
	"errors"
	"fmt"
	"io"
)

// A Damage is the place where a file can no longer be read. All frames before it
// are good.
type Damage struct {
	File        string
	Compression string // as in Info: Offset then counts uncompressed bytes
	Offset      int64  // of the record that is cut or damaged, in bytes
	Frame       uint32 // the last whole frame, 0 if there was none
	Cut         bool   // the file ends here; otherwise its bytes are wrong
	Reason      string
	Err         error // of the layer below, such as the decompressor; may be nil
}

// Error names the file, the place and the reason.
func (d *Damage) Error() string {
	what := "damaged"
	if d.Cut {
		what = "cut short"
	}
	where := fmt.Sprintf("at byte %d", d.Offset)
	if d.Compression != "" {
		where += " of the uncompressed stream"
	}
	last := "before its first frame"
	if d.Frame > 0 {
		last = fmt.Sprintf("after frame %d", d.Frame)
	}
	return fmt.Sprintf("%s: %s %s, %s: %s", d.File, what, where, last, d.Reason)
}

// Unwrap returns the error of the layer below.
func (d *Damage) Unwrap() error { return d.Err }

// damage is an impossible record at the stream's position.
func (s *stream) damage(format string, args ...any) *Damage {
	return &Damage{Offset: s.pos(), Reason: fmt.Sprintf(format, args...)}
}

// cut is a record of n bytes at the stream's position, of which some are missing:
// the file ends inside it, or the layer below failed.
func (s *stream) cut(what string, n int64) *Damage {
	d := &Damage{Offset: s.pos(), Cut: true}
	if s.err != io.EOF {
		return d.because(s.err)
	}
	d.Reason = fmt.Sprintf("the file ends inside a %s of %d bytes", what, n)
	return d
}

// finish is how a file ends between two records: io.EOF, unless the layer
// below failed.
func (s *stream) finish() error {
	if s.err == io.EOF {
		return io.EOF
	}
	d := &Damage{Offset: s.pos()}
	return d.because(s.err)
}

// because sets the reason to an error of the layer below.
func (d *Damage) because(err error) *Damage {
	d.Err, d.Reason = err, err.Error()
	d.Cut = err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)
	if d.Cut {
		d.Reason = "the compressed data ends early"
	}
	return d
}
