package resets

// What came after the RST.

// continues reports whether the sender continued as if it had sent no RST. Of a
// refusal, the peer decides whether it is accepted.
func (c *resetCase) continues() bool {
	if c.refusal() {
		return c.survived && !c.synAgain
	}
	return c.continued.At != 0
}

// acceptedLater reports whether a SYN was refused, and the next one accepted.
func (c *resetCase) acceptedLater() bool { return c.refusal() && c.survived && c.synAgain }

// restarts reports whether what continues may be a new connection, which a server
// accepts by a SYN cookie (RFC 4987 3.6). Any segment of the client that acknowledges
// the SYN-ACK makes Linux do so, also one that was in flight when the server reset the
// connection. It begins with an ACK right behind the SYN-ACK, of more than had arrived
// before the RST, or of less.
func (c *resetCase) restarts() bool {
	m := &c.continued
	return m.At != 0 && c.fromServer() && m.SeqLen() == 0 && m.Seq == c.sender.stream.ISS+1 && !c.bare() && m.Ack != c.rst.Ack
}
