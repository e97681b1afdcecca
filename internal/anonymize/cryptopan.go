package anonymize

import (
	"crypto/aes"
	"crypto/cipher"
)

// A cryptoPAn maps addresses one to one so that two of them share as many
// leading bits as before (Xu, Fan, Ammar, Moon: Prefix-Preserving IP Address
// Anonymization, ICNP 2002). With the same key, any Crypto-PAn tool gives the
// same addresses.
type cryptoPAn struct {
	block cipher.Block
	pad   [aes.BlockSize]byte
}

func newCryptoPAn(key Key) cryptoPAn {
	block, err := aes.NewCipher(key[:aes.BlockSize])
	if err != nil {
		panic(err) // the key has the size that AES-128 asks for
	}
	c := cryptoPAn{block: block}
	block.Encrypt(c.pad[:], key[aes.BlockSize:])
	return c
}

// apply maps an address of 4 or 16 bytes in place. A secret function of the bits
// before it decides whether a bit is flipped.
func (c *cryptoPAn) apply(addr []byte) {
	input := c.pad
	var output [aes.BlockSize]byte
	for i := range addr {
		original := addr[i]
		for bit := byte(0x80); bit != 0; bit >>= 1 {
			c.block.Encrypt(output[:], input[:])
			if output[0]&0x80 != 0 {
				addr[i] ^= bit
			}
			input[i] = input[i]&^bit | original&bit
		}
	}
}
