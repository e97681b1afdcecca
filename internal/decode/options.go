package decode

import (
	"encoding/binary"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TCP option kinds (IANA registry).
const (
	optEnd           = 0
	optNop           = 1
	optMSS           = 2
	optScale         = 3
	optSACKPermitted = 4
	optSACK          = 5
	optTimestamps    = 8
	optMPTCP         = 30
)

// timestampsOnly is how nearly all segments begin their options today: NOP, NOP,
// timestamps of ten bytes, which makes twelve (RFC 7323 appendix A).
const timestampsOnly = optNop<<24 | optNop<<16 | optTimestamps<<8 | 10

// readOptions reads TCP options from b; the header had room bytes of them. Options
// before a malformed one, or before the end of the capture, are good.
func readOptions(b []byte, room int, o *reassembly.Options) {
	if len(b) == 12 && room == 12 && binary.BigEndian.Uint32(b) == timestampsOnly {
		setTimestamps(b[4:], o)
		return
	}
	for i := 0; i < room; {
		if i >= len(b) {
			o.Has |= reassembly.OptionsCut
			return
		}
		kind := b[i]
		if kind == optNop {
			i++
			continue
		}
		if kind == optEnd {
			return
		}
		if i+1 >= len(b) && i+1 < room {
			o.Has |= reassembly.OptionsCut
			return
		}
		n := 0
		if i+1 < len(b) && i+1 < room {
			n = int(b[i+1])
		}
		if n < 2 || n > room-i {
			o.Has |= reassembly.OptionsMalformed
			return
		}
		if n > len(b)-i {
			o.Has |= reassembly.OptionsCut
			return
		}
		valid := true // of its kind; those that are not used may have any length
		switch kind {
		case optMSS:
			if valid = n == 4; valid {
				o.Has |= reassembly.HasMSS
				o.MSS = uint16(b[i+2])<<8 | uint16(b[i+3])
			}
		case optScale:
			if valid = n == 3; valid {
				o.Has |= reassembly.HasScale
				o.Scale = b[i+2]
			}
		case optSACKPermitted:
			if valid = n == 2; valid {
				o.Has |= reassembly.HasSACKPermitted
			}
		case optSACK:
			valid = setBlocks(b[i+2:i+n], o)
		case optTimestamps:
			if valid = n == 10; valid {
				setTimestamps(b[i+2:i+10], o)
			}
		case optMPTCP:
			o.Has |= reassembly.HasMPTCP
		}
		if !valid {
			o.Has |= reassembly.OptionsMalformed
			return
		}
		i += n
	}
}

func setTimestamps(v []byte, o *reassembly.Options) {
	o.Has |= reassembly.HasTimestamps
	o.TSVal = binary.BigEndian.Uint32(v)
	o.TSEcr = binary.BigEndian.Uint32(v[4:])
}

// setBlocks reads the blocks of a SACK option. The forty bytes of all options hold
// up to four (RFC 2018 3).
func setBlocks(v []byte, o *reassembly.Options) bool {
	const block = 8
	if len(v) == 0 || len(v)%block != 0 {
		return false
	}
	o.NBlocks = uint8(len(v) / block)
	for i := range o.Blocks[:o.NBlocks] {
		o.Blocks[i].From = reassembly.Seq(binary.BigEndian.Uint32(v[i*block:]))
		o.Blocks[i].To = reassembly.Seq(binary.BigEndian.Uint32(v[i*block+4:]))
	}
	return true
}
