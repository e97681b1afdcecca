package watch

// chunkSize is how many groups are allocated together.
const (
	chunkBits = 6
	chunkSize = 1 << chunkBits
)

// places hold groups of watchers: in chunks, so that none of them moves when there
// are more.
type places struct {
	chunks []*[chunkSize]group
	made   uint32   // places ever used
	idle   []uint32 // of these, free ones
}

// at is what has the place; the first is 1.
func (p *places) at(place uint32) *group {
	return &p.chunks[(place-1)>>chunkBits][(place-1)&(chunkSize-1)]
}

// take finds a free place.
func (p *places) take() uint32 {
	if n := len(p.idle); n > 0 {
		place := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return place
	}
	if p.made>>chunkBits == uint32(len(p.chunks)) {
		p.chunks = append(p.chunks, new([chunkSize]group))
	}
	p.made++
	return p.made
}

// free gives a place back.
func (p *places) free(place uint32) {
	*p.at(place) = group{}
	p.idle = append(p.idle, place)
}

// reset frees all places, and keeps the memory of few.
func (p *places) reset() {
	if len(p.chunks) > 1 {
		*p = places{}
		return
	}
	for place := range p.made {
		*p.at(place + 1) = group{}
	}
	p.made, p.idle = 0, p.idle[:0]
}
