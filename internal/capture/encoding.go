package capture

import (
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// isUTF16 reports whether text in UTF-16 begins so: with its byte order mark, and a character of ASCII. Windows'
// PowerShell writes what a program prints into a file so.
func isUTF16(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	return head[0] == 0xff && head[1] == 0xfe && head[3] == 0 || head[0] == 0xfe && head[1] == 0xff && head[2] == 0
}

// fromUTF16 reads text in UTF-16 as UTF-8.
func fromUTF16(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
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
