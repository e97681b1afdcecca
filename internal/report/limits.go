package report

import "github.com/tcptrace-go/tcptrace/fsm"

// limitMeaning says what a limit means for whoever reads the ticket.
var limitMeaning = map[fsm.Limits]string{
	fsm.Midstream:     "the connection was already running when the capture began",
	fsm.OneSided:      "only one direction was captured",
	fsm.Holes:         "the peer acknowledged bytes that the capture never saw",
	fsm.AcksFiltered:  "pure ACKs are missing throughout, as in captures on phones",
	fsm.WindowUnknown: "the receive window that mattered was never seen",
	fsm.ScaleUnknown:  "no SYN was captured, so windows other than 0 are lower bounds",
	fsm.CutOptions:    "the snap length cut TCP options off",
	fsm.Copies:        "identical frames may be copies of one transmission; they were counted as sent",
	fsm.ClockStepped:  "the capture's clock jumped backwards",
	fsm.LossBeforeTap: "the sender's IP IDs skip where something was due: it may have been sent and lost before the tap",
	fsm.KernelDrops:   "the capturing kernel dropped packets",
	fsm.Evicted:       "the connection was dropped to stay within --max-flows",
	fsm.ClockSkew:     "two captures disagree about the time",
}

// limitLines are the limits with their meanings, one each.
func limitLines(l fsm.Limits) []string {
	var lines []string
	for bit := fsm.Limits(1); bit != 0; bit <<= 1 {
		if l&bit != 0 {
			lines = append(lines, bit.String()+": "+limitMeaning[bit])
		}
	}
	return lines
}
