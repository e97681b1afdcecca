package detectors

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Seconds is a duration in seconds, for metrics.
func Seconds(ns int64) float64 { return time.Duration(ns).Seconds() }

// Span writes a duration for sentences: two or three digits, no false precision. It is not
// below zero, though within a second clocks go back.
func Span(ns int64) string {
	switch s := Seconds(max(ns, 0)); {
	case s < 0.0009995:
		return fmt.Sprintf("%.0f µs", s*1e6)
	case s < 0.00995:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", s*1e3), ".0") + " ms"
	case s < 0.9995:
		return fmt.Sprintf("%.0f ms", s*1e3)
	case s < 99.95:
		return fmt.Sprintf("%.1f s", s)
	case s < 7200:
		return fmt.Sprintf("%.0f s", s)
	case s < 2*86400:
		return fmt.Sprintf("%.1f hours", s/3600)
	default:
		return fmt.Sprintf("%.1f days", s/86400)
	}
}

// AtLeast is a duration in nanoseconds as Span says it, rounded down: at least so long.
func AtLeast(ns int64) string {
	for _, step := range [...]struct{ below, unit int64 }{{1e6, 1e3}, {1e7, 1e5}, {1e9, 1e6}, {1e11, 1e8}, {7200e9, 1e9}} {
		if ns < step.below {
			return Span(ns - ns%step.unit)
		}
	}
	return Span(ns)
}

// Backoff is by what factor the interval grew from one of n sends to the next,
// to two digits: 2 is exponential, 1 constant.
func Backoff(first, last int64, n int) float64 {
	if n < 3 || first <= 0 || last <= 0 {
		return 1
	}
	f := math.Pow(float64(last)/float64(first), 1/float64(n-2))
	return math.Round(f*100) / 100
}

// Times counts in words: "once", "twice", "3 times".
func Times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// Counted is a number of things: "1 segment", "2 segments".
func Counted(n uint32, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// SameFrame says whether both are one frame.
func SameFrame(a, b *reassembly.Mark) bool { return a.Frame == b.Frame && a.File == b.File }

// A retransmitter that is silent for MinSilence at least, and for GiveUpFactor of
// its last interval, has given up.
const (
	MinSilence   = 3 * time.Second
	GiveUpFactor = 2.5
)

// Over reports whether the connection has ended: by an acceptable RST, or because
// both FINs were acknowledged.
func Over(v fsm.View) bool {
	_, reset := v.ResetBy()
	return reset || v.Phase(reassembly.A) == fsm.PhaseFinAcked && v.Phase(reassembly.B) == fsm.PhaseFinAcked
}

// ClosedInOrder reports whether both FINs were acknowledged, and nobody has sent a RST since.
func ClosedInOrder(v fsm.View) bool {
	_, reset := v.ResetBy()
	return !reset && v.Phase(reassembly.A) == fsm.PhaseFinAcked && v.Phase(reassembly.B) == fsm.PhaseFinAcked
}

// MoreToSend reports whether the side is known to have more to send: data in flight
// must be acknowledged or sent again, and of buffered data the last segment carries PSH
// (RFC 9293 3.9.1.2, MUST-61).
func MoreToSend(v fsm.View, side reassembly.Side) bool {
	out := v.Stream(side)
	return out.InFlight() > 0 || v.Unpushed(side)
}

// WindowSmall reports whether the side's window is open and too small for its peer to
// send into it at once: less than a full segment, and less than half of the largest window
// that the side has offered (RFC 9293 3.8.6.2.1, rule 2), unless there is not even room for
// the segment that every host must accept.
func WindowSmall(v fsm.View, side reassembly.Side) bool {
	const least = 536
	in := v.Stream(side.Peer())
	wnd := in.Window()
	return WindowBelowSegment(v, side) && (wnd < least || 2*wnd < v.Window(side).Max)
}

// WindowBelowSegment reports whether the side's window is open and has no room for a full
// segment, whose options take 40 bytes at most (RFC 9293 3.7.1). False where the window
// scale is unknown: then windows are lower bounds.
func WindowBelowSegment(v fsm.View, side reassembly.Side) bool {
	const options = 40
	syn, _ := v.SYNOptions(side)
	_, known := v.WindowScale(side)
	in := v.Stream(side.Peer())
	wnd := in.Window()
	return known && wnd > 0 && wnd+options < uint32(syn.MSS)
}

// FINDue reports whether the segment with the side's FIN is what it must send next: the
// peer has acknowledged everything before that (RFC 6298 5.4 retransmits the earliest
// segment), and advertises an open window. A FIN may carry data, which lies from seq on;
// of that, some may be acknowledged.
func FINDue(v fsm.View, side reassembly.Side, seq reassembly.Seq) bool {
	fin, _ := v.FIN(side)
	out := v.Stream(side)
	return !v.Window(side.Peer()).Shut && (out.Oldest(fin.Seq) || out.Covered(seq) && out.Una.AtOrBefore(fin.Seq))
}

// HalfClosed reports whether the side's FIN is acknowledged and the peer has sent
// neither FIN nor RST: FIN_WAIT_2 here, CLOSE_WAIT there.
func HalfClosed(v fsm.View, side reassembly.Side) bool {
	_, reset := v.ResetBy()
	return v.Phase(side) == fsm.PhaseFinAcked && v.Phase(side.Peer()) < fsm.PhaseFinSent && !reset
}

// IsProbe reports whether a segment that the side has sent has the form of a
// keep-alive, or of a probe of the peer's zero window: empty at SND.NXT-1, or there
// with one byte that was acknowledged before (RFC 9293 3.8.4, 3.8.6.1; until then it is
// the last byte of data, and if an application wrote it, it has PSH); or one byte into a zero window.
func IsProbe(v fsm.View, side reassembly.Side, m *reassembly.Mark) bool {
	if m.Len > 1 || m.Flags.Any(reassembly.SYN|reassembly.FIN|reassembly.RST) {
		return false
	}
	out := v.Stream(side)
	return m.Seq == out.Nxt-1 && (m.Len == 0 || out.Below(m.Seq) && !m.Flags.Has(reassembly.PSH)) || m.Len == 1 && v.Window(side.Peer()).Shut
}

// AcksUna reports whether a segment of the side acknowledges exactly what the side has
// acknowledged so far.
func AcksUna(v fsm.View, side reassembly.Side, seg *reassembly.Segment) bool {
	return seg.Flags&reassembly.ACK != 0 && seg.Ack == v.Stream(side.Peer()).Una
}

// NoSACK reports whether the connection cannot use SACK: a SYN did not permit it (RFC 2018 2). A
// block in it proves no arrival.
func NoSACK(v fsm.View) bool {
	for side := range reassembly.Side(2) {
		if syn, captured := v.SYNOptions(side); captured && syn.Has&(reassembly.HasSACKPermitted|reassembly.OptionsCut) == 0 {
			return true
		}
	}
	return false
}

// Echo is the timestamp that the segment echoes, which its peer has sent (RFC 7323 3); false if there is none, or
// the connection's SYN-ACK echoes something else.
func Echo(v fsm.View, seg *reassembly.Segment) (val reassembly.Seq, is bool) {
	syn, _ := v.SYNOptions(reassembly.A)
	return reassembly.Seq(seg.Opts.TSEcr), seg.Opts.Has&reassembly.HasTimestamps != 0 && syn.Has&reassembly.FalseEcho == 0
}

// MayBeForged reports whether anybody can have sent the segment of the event, without
// knowing the connection's numbers: it is out of window, or a RST.
func MayBeForged(ev fsm.Event) bool { return ev.Class == fsm.OutOfWindow || ev.Class == fsm.Rst }

// Answers reports whether a RST answers the given segment of the other side,
// as RFC 9293 3.10.7.1 builds one: bare, at the segment's acknowledgment; or
// with an ACK of exactly what the segment sent.
func Answers(rst, seg *reassembly.Mark) bool {
	if rst.Flags&reassembly.ACK == 0 {
		return seg.Flags&reassembly.ACK != 0 && rst.Seq == seg.Ack
	}
	return rst.Ack == seg.End()
}

// Size writes a number of bytes: "900 bytes", "73 kB", "6.0 MB". A kB has 1,000 bytes.
func Size(bytes uint64) string {
	v := float64(bytes)
	for _, unit := range [...]string{"kB", "MB", "GB"} {
		if v /= 1000; v < 999.5 || unit == "GB" {
			switch {
			case bytes < 1000:
				return fmt.Sprintf("%d bytes", bytes)
			case v < 9.95:
				return fmt.Sprintf("%.1f %s", v, unit)
			}
			return fmt.Sprintf("%.0f %s", v, unit)
		}
	}
	return ""
}

// percent writes a share of 0 to 1: "71 %".
func percent(share float64) string { return fmt.Sprintf("%.0f %%", share*100) }

// grouped writes a number with commas: 1,234,567.
func grouped(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// OnlyMade reports whether all that came from the side is a SYN-ACK that a device on the path made from the SYN.
func OnlyMade(v fsm.View, side reassembly.Side) bool {
	last := v.Last(side)
	return last.Flags.Has(reassembly.SYN|reassembly.ACK) && v.IPHabits(side).CopiesID && v.IPHabits(side.Peer()).CountsIDs
}

// CauseProxy is the cause where the peer's SYN-ACK was made from the SYN, and nothing else came.
const CauseProxy = "A device on the path, such as a SYN proxy or a filter, answered the SYN in the peer's name, as its IP ID shows. It answers nothing else on this connection, " +
	"and whether it ever opened one to the peer is not in the capture."
