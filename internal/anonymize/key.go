package anonymize

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
)

// A Key decides what everything is replaced by: half of it is Crypto-PAn's
// cipher key, the other half its padding.
type Key [32]byte

// NewKey is a random key. Who does not keep it cannot undo what was done with
// it, nor repeat it.
func NewKey() (k Key) {
	rand.Read(k[:]) // never fails
	return k
}

// ParseKey reads the content of a key file: 32 bytes as they are, or in
// hexadecimal with white space around.
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
