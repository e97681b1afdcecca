package tracegen

import "encoding/binary"

// options writes the TCP options of a segment and returns their length, a
// multiple of four.
func options(b []byte, from, to *end, g *segment) int {
	switch {
	case g.flags&syn != 0:
		return synOptions(b, from, g)
	case g.flags&rst != 0:
		return 0
	}
	n := 0
	if from.ts {
		b[0], b[1] = byte(optNOP), byte(optNOP)
		n = 2 + timestamps(b[2:], g)
	}
	if g.nsack > 0 {
		n += sackBlocks(b[n:], to, g)
	}
	return n
}

// synOptions writes the options in the stack's order.
func synOptions(b []byte, from *end, g *segment) int {
	n := 0
	for _, o := range from.stack.layout {
		b[n] = byte(o)
		switch o {
		case optMSS:
			b[n+1] = 4
			binary.BigEndian.PutUint16(b[n+2:], from.mss)
			n += 4
		case optScale:
			b[n+1], b[n+2] = 3, from.scale
			n += 3
		case optSACK:
			b[n+1] = 2
			n += 2
		case optTS:
			n += timestamps(b[n:], g)
		default:
			n++
		}
	}
	return n
}

func timestamps(b []byte, g *segment) int {
	b[0], b[1] = byte(optTS), 10
	binary.BigEndian.PutUint32(b[2:], g.tsVal)
	binary.BigEndian.PutUint32(b[6:], g.tsEcr)
	return 10
}

// sackBlocks writes SACK blocks, in the sequence space of the receiver.
func sackBlocks(b []byte, to *end, g *segment) int {
	b[0], b[1], b[2], b[3] = byte(optNOP), byte(optNOP), 5, 2+8*g.nsack
	n := 4
	for _, s := range g.sack[:g.nsack] {
		binary.BigEndian.PutUint32(b[n:], to.iss+s.from)
		binary.BigEndian.PutUint32(b[n+4:], to.iss+s.to)
		n += 8
	}
	return n
}
