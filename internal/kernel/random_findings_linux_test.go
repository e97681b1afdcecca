package kernel

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// checkFinding checks whether a finding's frames are what it says, and whether its
// claim is true.
func (p *randomCase) checkFinding(f *tcptrace.Finding) (faults []string) {
	name := fmt.Sprintf("%s %s:%s", f.Verdict, f.Detector, f.Outcome)
	byFrame := map[uint32]*packet{}
	for _, x := range p.seen() {
		byFrame[uint32(x.frame)] = x
	}
	for _, e := range f.Evidence { // some are the duplicate of a frame
		if x := byFrame[e.Seg.Frame]; x != nil && (x.seg.Seq != e.Seg.Seq || x.seg.Flags != e.Seg.Flags) {
			faults = append(faults, name+": the evidence is another frame")
		}
	}
	for _, word := range wrongNames(f.Message, byFrame) {
		faults = append(faults, fmt.Sprintf("%s: calls another frame %s", name, word))
	}
	fault := ""
	switch {
	case f.Verdict == detectors.Seen:
		if fault = p.falseCount(f); fault != "" {
			break
		}
		fault = p.falseClaim(f, byFrame[f.Evidence[0].Seg.Frame], byFrame[f.Evidence[len(f.Evidence)-1].Seg.Frame])
	case f.Reason == "":
		fault = "undecided without a reason"
	}
	if fault != "" {
		faults = append(faults, name+": "+fault)
	}
	return faults
}

// frameWords matches the names of frames in a message, as in "FIN (frame 7)". After
// the words in the first group, it is not the name of the frame.
var frameWords = regexp.MustCompile(`((?:acknowledged|after|before|below)(?: its| the| it)?(?: first)? )?(SYN-ACK|SYN|FIN|RST|[0-9]+ bytes?)(?: [a-z]+)? \(frame ([0-9]+)\)`)

// wrongNames are the names in a message that do not fit their frames.
func wrongNames(message string, byFrame map[uint32]*packet) (words []string) {
	for _, m := range frameWords.FindAllStringSubmatch(message, -1) {
		n, _ := strconv.Atoi(m[3])
		x := byFrame[uint32(n)]
		if x == nil || m[1] != "" {
			continue
		}
		flags, is := x.seg.Flags, false
		switch m[2] {
		case "SYN-ACK":
			is = flags.Has(reassembly.SYN | reassembly.ACK)
		case "SYN":
			is = flags&(reassembly.SYN|reassembly.ACK) == reassembly.SYN
		case "FIN":
			is = flags.Has(reassembly.FIN)
		case "RST":
			is = flags.Has(reassembly.RST)
		default:
			is = strings.HasPrefix(m[2], fmt.Sprint(x.seg.Len, " "))
		}
		if !is {
			words = append(words, m[2])
		}
	}
	return words
}

// falseClaim says what is not true in a finding that counts as seen, "" if it is. The
// first and last evidence are nil if that is the duplicate of a frame.
func (p *randomCase) falseClaim(f *tcptrace.Finding, first, last *packet) string {
	culprit := 0
	if f.Flow.End[f.Subject].AddrPort().Addr() == serverAddr {
		culprit = 1
	}
	switch f.Detector {
	case "reset-cause":
		if first == nil || p.missed() {
			break
		}
		if reason, agrees, _ := p.agrees(f); agrees && reason != "NO_SOCKET" { // the kernel knows, however slow this machine is
			break
		}
		cause := p.causeOf(first)
		if !p.mayBe(first, f.Outcome) || strings.Contains(f.Message, "No FIN from it") && (strings.HasSuffix(cause, "closed") || strings.HasSuffix(cause, "FIN")) {
			return "a RST " + cause
		}
	case "post-fin-ack-rst":
		if last != nil && !strings.HasPrefix(p.causeOf(last), "bare, after") && !p.answersCopy(last) {
			return "a RST " + p.causeOf(last)
		}
	case "zero-window-probe-loop":
		switch bare := last != nil && last.seg.Flags&reassembly.ACK == 0; {
		case f.Outcome == "ghosted" && p.gone(culprit) == "":
			return "the receiver is there"
		case f.Outcome == "reset" && last != nil && !bare, f.Outcome == "aborted" && bare:
			return "a RST " + p.causeOf(last)
		}
	case "unretransmitted-fin":
		switch {
		case f.Outcome == "peer-unaware" && first != nil && first.arrived != 0:
			return "the FIN arrived"
		case p.gone(culprit)+p.gone(1-culprit) == "" && !p.missed():
			return "both are there"
		}
	case "close-wait-leak":
		if last := p.moments[len(p.moments)-1]; f.Outcome == "idle" && last.Sockets[culprit].State != "CLOSE_WAIT" && p.gone(culprit) == "" && !p.missed() {
			return "its kernel has " + last.Sockets[culprit].State
		}
	case "syn-unanswered", "syn-ack-unanswered", "fin-unanswered", "dead-peer", "retransmissions", "zero-window-deadlock":
		if p.undisturbed() && !slices.Contains([]string{"spurious", "new-isn"}, f.Outcome) && !(f.Detector == "retransmissions" && p.overtakenUnseen(f)) {
			return "nothing was lost"
		}
	}
	return ""
}
