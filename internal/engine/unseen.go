package engine

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// NoSegments is the name of the note that nothing was looked at: that nothing was found
// means nothing then.
const NoSegments = "no-tcp"

// unseen notes, in a report without any TCP segment, why there is none. partial says
// that frames may have been left out by a filter or a time.
func unseen(r *result.Report, partial bool) []result.Note {
	if r.Totals.TCPSegments > 0 {
		return nil
	}
	why := whyUnseen(&r.Totals, partial)
	for i := range r.Captures {
		if c := &r.Captures[i]; r.Totals.Packets == 0 && len(c.Warnings) > 0 {
			why = c.Warnings[0]
		}
	}
	return []result.Note{{Name: NoSegments, Message: "No TCP segment was analysed: " + why + "."}}
}

func whyUnseen(n *result.Totals, partial bool) string {
	if n.Packets == 0 {
		return "there is no frame"
	}
	var words []string
	decoded := uint64(0)
	for _, c := range n.Skipped {
		decoded += c.N
		words = append(words, fmt.Sprintf("%d %s", c.N, unseenWords(c.Name, c.N)))
	}
	if left := n.Packets - min(decoded, n.Packets); left > 0 && partial {
		words = append([]string{fmt.Sprintf("%d left out by the filter or the time that was asked for", left)}, words...)
	}
	return fmt.Sprintf("of %d frames, %s", n.Packets, strings.Join(words, ", "))
}

// unseenWords say what is the matter with n frames that were skipped.
func unseenWords(reason string, n uint64) string {
	be := "are"
	if n == 1 {
		be = "is"
	}
	switch reason {
	case decode.NotTCP.String():
		return be + " not TCP (UDP, ARP and the like)"
	case decode.UnknownLinkType.String():
		return "have a link type that is not supported"
	case decode.Truncated.String():
		return be + " cut before the end of the TCP header (capture at least 96 bytes of each)"
	case decode.Encrypted.String():
		return be + " encrypted"
	case decode.ICMPError.String():
		return be + " ICMP errors about TCP"
	}
	return be + " " + reason
}
