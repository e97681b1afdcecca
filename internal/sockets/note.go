package sockets

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// NoteName is that of the notes about sockets.
const NoteName = "sockets"

// maxNotes bounds the disagreements that are told one by one.
const maxNotes = 20

func (j *Join) note(all []disagreement) {
	add := func(format string, args ...any) {
		j.r.Notes = append(j.r.Notes, result.Note{Name: NoteName, Message: fmt.Sprintf(format, args...)})
	}
	var sockets, records uint64
	cut, dated := false, true
	for _, l := range j.logs {
		sockets, records = sockets+uint64(l.Sockets), records+uint64(l.Records)
		cut, dated = cut || l.Cut, dated && l.Dated
	}
	add("%s of the host: %s, of which %s to a connection of the capture.", quantity.Count(records, "record"), quantity.Count(sockets, "socket"), belong(uint64(len(j.joined))))
	if !dated {
		add("Some records of sockets have no time: their states are compared with all that a connection had in the capture.")
	}
	if cut {
		add("The records of sockets have more than %s changes: later ones are left out.", quantity.Thousands(maxEntries))
	}
	for i, d := range all {
		if i == maxNotes {
			add("%s between the kernel's states and those of the capture are not listed here.", quantity.Count(uint64(len(all)-i), "more disagreement"))
			break
		}
		add("%s", d.sentence())
	}
}

func belong(n uint64) string {
	if n == 1 {
		return "1 belongs"
	}
	return quantity.Thousands(n) + " belong"
}

// sentence says who is in which state, and what that may mean.
func (d *disagreement) sentence() string {
	s := fmt.Sprintf("%s (connection %d)", d.flow.End[d.side], d.flow.ID)
	if d.at != 0 {
		s += " at " + quantity.Instant(d.at)
	}
	ours := d.ours.state.String()
	if d.ours.bounded {
		ours += " at most"
	}
	if d.absent {
		s += fmt.Sprintf(": the kernel has no such socket, in the capture it is in %s", ours)
	} else {
		s += fmt.Sprintf(": the kernel says %s, the capture %s", d.kernel, ours)
	}
	if d.n > 1 {
		s += fmt.Sprintf(" (in %s)", quantity.Count(uint64(d.n), "record"))
	}
	s += "."
	switch {
	case d.absent:
		return s + " The host has forgotten the connection, or the socket is in another network namespace, such as a container behind address translation."
	case d.afterEnd > 0:
		return s + fmt.Sprintf(" The record is from %s after the end of the capture: what was sent meanwhile is unknown.", quantity.Duration(d.afterEnd))
	case d.kernel == fsm.SynReceived && d.ours.state == fsm.Established:
		return s + " The queue of connections to be accepted is full, or the program asked to wait for data (TCP_DEFER_ACCEPT)."
	case d.ours.bounded:
		return s + fmt.Sprintf(" The segment that leads to %s was captured; the host did not receive it, or ignored it.", d.ours.state)
	}
	return s + " The capture lacks segments, or has some that this host did not send."
}
