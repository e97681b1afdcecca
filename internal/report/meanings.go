package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
)

// measured is "probes 9, first interval 0.21 s": the metrics in words.
func measured(metrics []detectors.Metric) string {
	parts := make([]string, len(metrics))
	for i, m := range metrics {
		name, isSeconds := strings.CutSuffix(m.Name, "_s")
		value := fmt.Sprint(m.Value)
		switch v := m.Value.(type) {
		case int:
			if v >= 0 {
				value = quantity.Thousands(uint64(v))
			}
		case float64:
			value = quantity.Decimal(v)
			if isSeconds {
				value = quantity.Duration(int64(v * 1e9))
			}
		}
		parts[i] = strings.ReplaceAll(name, "_", " ") + " " + value
		if words, ok := metricWords[parts[i]]; ok {
			parts[i] = words
		}
	}
	return strings.Join(parts, ", ")
}

// metricWords are those metrics whose values are codes.
var metricWords = map[string]string{
	"form empty-below-una": "probe type: empty segment at SND.UNA-1",
	"form byte-below-una":  "probe type: one byte at SND.UNA-1",
	"form byte-at-nxt":     "probe type: one byte at SND.NXT",
	"form segment":         "probe type: data segment",
}

// limitMeaning says what a limit means for whoever reads the ticket.
var limitMeaning = map[fsm.Limits]string{
	fsm.Midstream:     "the connection was already running when the capture began",
	fsm.OneSided:      "only one direction was captured",
	fsm.Holes:         "the peer acknowledged bytes that were not captured",
	fsm.AcksFiltered:  "no pure ACKs were captured, as on some phones",
	fsm.WindowUnknown: "the receive window at that time was not captured",
	fsm.ScaleUnknown:  "SYN or SYN-ACK not captured, so windows other than 0 are lower bounds",
	fsm.CutOptions:    "the snap length cut off TCP options",
	fsm.Duplicates:    "identical frames may be duplicates of one transmission; they were counted as sent",
	fsm.ClockStepped:  "the capture's clock was set",
	fsm.LossBeforeTap: "the sender's IP IDs skip where its FIN was due again: it may have been sent and lost before the capture point, unless another connection used them",
	fsm.KernelDrops:   "the capturing kernel dropped packets",
	fsm.Evicted:       "the connection was dropped from memory before the trace ended",
	fsm.ClockSkew:     "two captures disagree about the time",
	fsm.Overflow:      "more holes were open at a time than are remembered",
	fsm.Text:          "the trace is text without IP identification and TTL, and may be an excerpt",
	fsm.SeqUnknown:    "the trace is text without the sequence numbers of empty segments (tcpdump prints them with -vv), or whoever made it up left all numbers 0",
	fsm.TimeUnknown:   "the trace is text without times",
	fsm.LossInvisible: "a pause may have been loss before the capture point: the sender's IP IDs do not count one by one, so they would not show it",
	fsm.Incomplete:    "the trace is text in which lines show what is above TCP, or too little, instead of segments of these hosts",
	fsm.PathProbes:    "a program beside the TCP wrote segments into the connection, whose TTLs count up as traceroute's do",
	fsm.SharedID:      "segments have the IP identification of another from the same host, which counts them, and other content: somebody forged them, or a device on the way rewrote them",
}

// limits are the limits with their meanings, a paragraph each.
func limits(l fsm.Limits) string {
	var lines []string
	for bit := fsm.Limits(1); bit != 0; bit <<= 1 {
		if l&bit != 0 {
			lines = append(lines, bit.String()+": "+limitMeaning[bit])
		}
	}
	return strings.Join(lines, "\n\n")
}
