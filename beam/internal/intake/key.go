package intake

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// mapped is the prefix of an IPv4 address.
const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff"

// appendKey writes a four-tuple: 12 bytes, or 36 if an address is not IPv4.
func appendKey(b []byte, k *reassembly.Key) []byte {
	four := string(k.Lo.Addr[:12]) == mapped && string(k.Hi.Addr[:12]) == mapped
	for _, e := range [...]*reassembly.Endpoint{&k.Lo, &k.Hi} {
		addr := e.Addr[:]
		if four {
			addr = addr[12:]
		}
		b = binary.BigEndian.AppendUint16(append(b, addr...), e.Port)
	}
	return b
}
