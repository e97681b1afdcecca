package anonymize

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// A Key decides all replacements: half of it is Crypto-PAn's cipher key, the
// other half its padding.
type Key [32]byte

// NewKey is a random key. Without it nobody can undo or repeat the replacements.
func NewKey() (k Key) {
	rand.Read(k[:]) // never fails
	return k
}

// ParseKey reads the content of a key file: 32 bytes, or 64 hexadecimal digits
// with white space around them. Anything else is an error.
func ParseKey(content []byte) (k Key, err error) {
	if len(content) == len(k) {
		return Key(content), nil
	}
	text := bytes.TrimSpace(content)
	if hex.DecodedLen(len(text)) == len(k) {
		if _, err := hex.Decode(k[:], text); err == nil {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("a key is %d bytes, or %d hexadecimal digits", len(k), hex.EncodedLen(len(k)))
}
