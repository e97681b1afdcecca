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
	for room > 0 {
		if len(b) == 0 {
			o.Has |= reassembly.OptionsCut
			return
		}
		n := 1
		switch b[0] {
		case optEnd:
			return
		case optNop:
		default:
			if room > 1 && len(b) == 1 {
				o.Has |= reassembly.OptionsCut
				return
			}
			if room == 1 || int(b[1]) < 2 || int(b[1]) > room {
				o.Has |= reassembly.OptionsMalformed
				return
			}
			n = int(b[1])
			if n > len(b) {
				o.Has |= reassembly.OptionsCut
				return
			}
			if !readOption(b[0], b[2:n], o) {
				o.Has |= reassembly.OptionsMalformed
				return
			}
		}
		b, room = b[n:], room-n
	}
}

// readOption reads the value of one option and reports whether its length is
// valid for its kind. Unused kinds may have any length.
func readOption(kind byte, v []byte, o *reassembly.Options) bool {
	switch kind {
	case optMSS:
		if len(v) != 2 {
			return false
		}
		o.Has |= reassembly.HasMSS
		o.MSS = binary.BigEndian.Uint16(v)
	case optScale:
		if len(v) != 1 {
			return false
		}
		o.Has |= reassembly.HasScale
		o.Scale = v[0]
	case optSACKPermitted:
		if len(v) != 0 {
			return false
		}
		o.Has |= reassembly.HasSACKPermitted
	case optSACK:
		return setBlocks(v, o)
	case optTimestamps:
		if len(v) != 8 {
			return false
		}
		setTimestamps(v, o)
	}
	return true
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
