package resets

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
)

// What a client waited for when it ended the connection.

// leastPatience is how long, in nanoseconds, a client must have waited before it is said to have given up: whoever ends a connection sooner may
// not have wanted an answer.
const leastPatience = int64(time.Second)

// owed reports whether a client ended an open connection while its server owed it something: a greeting, at a port where the server speaks first
// (RFC 5321 3.1), or an answer to its last data, unless that may be a goodbye or an acknowledgment. That it gave up first is no fault of its own.
func (c *resetCase) owed() bool { return c.owesGreeting() || c.owesAnswer() }

func (c *resetCase) owesGreeting() bool {
	return c.waited() >= leastPatience && c.fromClient() && services.Greets(c.peer.name.Port) && c.sender.wrote() == 0 && c.peer.wrote() == 0
}

func (c *resetCase) owesAnswer() bool {
	own, last, least := &c.sender.last, &c.peer.last, uint32(shortGoodbye)
	if c.peer.name.Port == services.HTTPS {
		least = services.LongestAck
	}
	return c.waited() >= leastPatience && c.fromClient() && own.Len > least && (last.Len == 0 || last.At < own.At)
}

// waited is how long the client had sent nothing when it ended the open connection, in nanoseconds; 0 if a side had closed.
func (c *resetCase) waited() int64 {
	if c.sender.finSent() || c.peer.finSent() || c.sender.last.At == 0 || c.halfCaptured() {
		return 0
	}
	return c.rst.At - c.sender.last.At
}

// owedWords says what the server owed.
func (c *resetCase) owedWords() string {
	switch {
	case c.owesGreeting():
		return fmt.Sprintf(" %s had not sent the greeting with which the protocol of port %d begins.", c.peer.name, c.peer.name.Port)
	case c.owesAnswer():
		return fmt.Sprintf(" In the %s since its last %s (frame %d), %s had sent no data.", detectors.Span(c.waited()), inBytes(c.sender.last.Len), c.sender.last.Frame, c.peer.name)
	}
	return ""
}

func (c *resetCase) abortedAdvice() (cause, action string) {
	if cause, action = c.crossedDataAdvice(); cause == "" && c.owed() && !c.gaveUp() {
		return "The client may have waited for a greeting, or for an answer to its last data, in vain: its application or its user gave up, or wanted no more.",
			"If the client reports a timeout, look at the server first: why it did not answer (its log, and what it waits for itself). Then compare the timeout of the client with the time that the server needs."
	}
	return cause, action
}
