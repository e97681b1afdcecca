package filter

import (
	"fmt"
	"strconv"
)

// A SyntaxError says why an expression was refused.
type SyntaxError struct {
	Pos int    // byte offset into the expression of what was not understood
	Msg string // without the position
}

// Error gives the position as a column, counted from 1.
func (e *SyntaxError) Error() string { return fmt.Sprintf("column %d: %s", e.Pos+1, e.Msg) }

// escapeHatch ends the refusal of what tcpdump would accept.
const escapeHatch = "; compile the expression with tcpdump -ddd and give the result to --filter-bpf"

// quote shows a piece of an expression, which may hold anything.
func quote(s string) string { return strconv.QuoteToGraphic(s) }
