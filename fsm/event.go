package fsm

// Kinds is a set of event kinds.
type Kinds uint64

// Conn is the two-sided state of one connection.
type Conn struct{}
