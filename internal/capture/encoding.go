package capture

import (
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// A wideText reads text in UTF-16 as UTF-8: so Windows' PowerShell writes what a program prints into a file.
type wideText struct {
	r    io.Reader
	high int // of the two bytes of a unit, the place of the higher one
	in   []byte
	out  []byte
	lead rune // the first half of a pair of surrogates, 0 if there is none
}

// wideOrder reports whether text in UTF-16 begins with its mark, and where the higher byte of each unit is.
func wideOrder(head []byte) (high int, is bool) {
	switch {
	case len(head) < 4:
	case head[0] == 0xff && head[1] == 0xfe && head[3] == 0:
		return 1, true
	case head[0] == 0xfe && head[1] == 0xff && head[2] == 0:
		return 0, true
	}
	return 0, false
}

func (w *wideText) Read(b []byte) (int, error) {
	for len(w.out) == 0 {
		var block [4096]byte
		n, err := w.r.Read(block[:])
		w.in = append(w.in, block[:n]...)
		w.decode()
		if err != nil && len(w.out) == 0 {
			return 0, err
		}
	}
	n := copy(b, w.out)
	w.out = w.out[n:]
	return n, nil
}

// decode takes all units that have arrived.
func (w *wideText) decode() {
	i := 0
	for ; i+1 < len(w.in); i += 2 {
		r := rune(w.in[i+w.high])<<8 | rune(w.in[i+1-w.high])
		switch {
		case w.lead != 0:
			r, w.lead = utf16.DecodeRune(w.lead, r), 0
		case utf16.IsSurrogate(r):
			w.lead = r
			continue
		}
		w.out = utf8.AppendRune(w.out, r)
	}
	w.in = append(w.in[:0], w.in[i:]...)
}

// printable reports whether bytes may be text, in UTF-8 or in an encoding of one byte for each character.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && (c < '\a' || c > '\r') && c != '\x1b' {
			return false
		}
	}
	return true
}
