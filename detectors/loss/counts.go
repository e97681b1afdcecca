package loss

// counts are numbers of segments that were sent again, and their payload.
type counts struct {
	by            [triggers]uint32
	spurious      [triggers]uint32 // of these, as the ACK of the original shows, or a second arrival
	foremost      uint32           // of the fast ones among these: nothing can have overtaken the originals
	sacked        uint32           // spurious, too: SACK had acknowledged them
	early         uint32           // spurious, too: the ACK came too soon to answer them
	doubtful      [doubts]uint32   // that need not have been lost
	unseen        uint32           // whose original was not captured
	older         uint32           // whose original was sent before the capture began
	bytes         uint64
	spuriousBytes uint64
	doubtfulBytes uint64
}

func (c *counts) add(o *counts) {
	for k := range c.by {
		c.by[k] += o.by[k]
		c.spurious[k] += o.spurious[k]
	}
	for d := range c.doubtful {
		c.doubtful[d] += o.doubtful[d]
	}
	c.foremost += o.foremost
	c.sacked += o.sacked
	c.early += o.early
	c.unseen += o.unseen
	c.older += o.older
	c.bytes += o.bytes
	c.spuriousBytes += o.spuriousBytes
	c.doubtfulBytes += o.doubtfulBytes
}

func (c *counts) all() uint32 { return sum(c.by[:]) }

func (c *counts) allSpurious() uint32 { return sum(c.spurious[:]) + c.sacked + c.early }

// unneeded is how many were spurious; without the fast ones, if these are half or more: then others overtook the originals (see reordering).
func (c *counts) unneeded() uint32 {
	all, quick := c.allSpurious(), c.spurious[fast]-c.foremost
	if 2*quick >= all {
		return all - quick
	}
	return all
}

// lost is how many must have been lost, and their payload.
func (c *counts) lost() (n uint32, bytes uint64) {
	n, bytes = c.allSpurious()+sum(c.doubtful[:]), c.spuriousBytes+c.doubtfulBytes
	return c.all() - min(n, c.all()), c.bytes - min(bytes, c.bytes)
}

func sum(counts []uint32) (n uint32) {
	for _, c := range counts {
		n += c
	}
	return n
}
