package loss

// counts are numbers of segments that were sent again, and their payload.
type counts struct {
	by     [triggers]uint32
	unseen uint32 // whose original was not captured
	bytes  uint64
	known  *notLost // nil if there are none
}

// notLost are those of them that were not lost, or need not have been. Of most sides, there are none.
type notLost struct {
	spurious      [triggers]uint32 // as the ACK of the original shows, or a second arrival
	foremost      uint32           // of the fast ones among these: nothing can have overtaken the originals
	sacked        uint32           // spurious, too: SACK had acknowledged them
	early         uint32           // spurious, too: the ACK came too soon to answer them
	doubtful      [doubts]uint32   // that need not have been lost
	older         uint32           // whose original was sent before the capture began
	spuriousBytes uint64
	doubtfulBytes uint64
}

var noneNotLost notLost

// notLost are those, to be read only.
func (c *counts) notLost() *notLost {
	if c.known == nil {
		return &noneNotLost
	}
	return c.known
}

// noteNotLost are those, to be written.
func (c *counts) noteNotLost() *notLost {
	if c.known == nil {
		c.known = new(notLost)
	}
	return c.known
}

// add adds counts that nobody needs any more.
func (c *counts) add(o *counts) {
	for k := range c.by {
		c.by[k] += o.by[k]
	}
	c.unseen += o.unseen
	c.bytes += o.bytes
	switch {
	case o.known == nil:
	case c.known == nil:
		c.known = o.known
	default:
		c.known.add(o.known)
	}
}

func (c *notLost) add(o *notLost) {
	for k := range c.spurious {
		c.spurious[k] += o.spurious[k]
	}
	for d := range c.doubtful {
		c.doubtful[d] += o.doubtful[d]
	}
	c.foremost += o.foremost
	c.sacked += o.sacked
	c.early += o.early
	c.older += o.older
	c.spuriousBytes += o.spuriousBytes
	c.doubtfulBytes += o.doubtfulBytes
}

func (c *counts) all() uint32 { return sum(c.by[:]) }

func (c *counts) allSpurious() uint32 {
	if c.known == nil {
		return 0
	}
	return sum(c.known.spurious[:]) + c.known.sacked + c.known.early
}

// unneeded is how many were spurious; without the fast ones, if these are half or more: then others overtook the originals (see reordering).
func (c *counts) unneeded() uint32 {
	n := c.notLost()
	all, quick := c.allSpurious(), n.spurious[fast]-n.foremost
	if 2*quick >= all {
		return all - quick
	}
	return all
}

// lost is how many must have been lost, and their payload.
func (c *counts) lost() (n uint32, bytes uint64) {
	not := c.notLost()
	n, bytes = c.allSpurious()+sum(not.doubtful[:]), not.spuriousBytes+not.doubtfulBytes
	return c.all() - min(n, c.all()), c.bytes - min(bytes, c.bytes)
}

func sum(counts []uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}
