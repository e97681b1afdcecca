package textcap

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is how much of a line is looked at, in bytes.
const maxLine = 256 << 10

// lines reads a text line by line.
type lines struct {
	r   *bufio.Reader
	n   uint32 // lines so far
	buf []byte
}

// next returns the next line without its end and the marks of a quotation. The
// rest of a very long line is passed over.
func (l *lines) next() (string, error) {
	l.buf = l.buf[:0]
	for {
		b, err := l.r.ReadSlice('\n')
		if room := maxLine - len(l.buf); room > 0 {
			l.buf = append(l.buf, b[:min(room, len(b))]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(l.buf) == 0 && err != nil || err != nil && err != io.EOF {
			return "", err
		}
		l.n++
		return clean(bytes.TrimRight(l.buf, "\r\n")), nil
	}
}

// unquote drops what mail and trackers put before a line that they quote. Blanks
// stay if there is no mark, because tcpdump -ttt writes some.
func unquote(line []byte) []byte {
	for {
		rest := bytes.TrimLeft(line, " \t")
		switch {
		case len(rest) > 0 && (rest[0] == '>' || rest[0] == '|'):
			line = rest[1:]
			if len(line) > 0 && line[0] == ' ' {
				line = line[1:]
			}
		default:
			return line
		}
	}
}
