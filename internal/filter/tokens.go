package filter

// maxNesting limits parentheses, negations and indexes within each other.
const maxNesting = 200

func (c *compiler) peek() token {
	if c.err != nil {
		return c.tokens[len(c.tokens)-1]
	}
	return c.tokens[c.next]
}

func (c *compiler) read() token {
	t := c.peek()
	if t.kind != end {
		c.next++
	}
	return t
}

// accept reads the next token if it is one of the keywords.
func (c *compiler) accept(keywords ...string) bool {
	ok := c.peek().is(keywords...)
	if ok {
		c.next++
	}
	return ok
}

func (c *compiler) require(keyword string) {
	if !c.accept(keyword) {
		c.expected(c.peek(), keyword)
	}
}

func (c *compiler) number() token {
	t := c.read()
	if t.kind != number {
		c.expected(t, "a number")
	}
	return t
}

// expected refuses t because the grammar wants something else there.
func (c *compiler) expected(t token, what string) condition {
	if t.kind == keyword && unsupported[t.text] {
		return c.failAt(t.pos, "%s is not supported%s", quote(t.text), useTcpdump)
	}
	found := quote(t.text)
	if t.kind == end {
		found = "the end of the expression"
	}
	return c.failAt(t.pos, "expected %s, found %s", what, found)
}

// deeper guards a recursion; the caller leaves it with c.depth--.
func (c *compiler) deeper() {
	if c.depth++; c.depth > maxNesting {
		c.failAt(c.peek().pos, "nested more than %d deep", maxNesting)
	}
}
