package waiting

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ThroughputLimited reports a transfer that one thing limited most of the time.
var ThroughputLimited = &detectors.Detector{
	Name: "throughput-limited",
	Doc: detectors.Doc{
		Title: "one thing limited a transfer",
		What: "A run of payload of one side took two seconds or longer, and for half of that or more it waited for the same thing: the " +
			"receive window, ACKs, its own application, or the repair of losses.",
		Cause: "receiver-window: the receiver's buffer is too small for the path, its application reads slowly, or it slows the sender on purpose. sender-window: the congestion " +
			"window was small or grew slowly, or the send buffer is too small. path: the bottleneck's rate; what is sent faster queues. application: the sender " +
			"produces its data slowly. loss: the path drops segments.",
		Action: "receiver-window: a larger receive buffer (net.ipv4.tcp_rmem, SO_RCVBUF not set), or a faster reader. sender-window: a larger send buffer " +
			"(net.ipv4.tcp_wmem, SO_SNDBUF not set), another congestion control. path: nothing that hosts can do, except for the queue (pacing, BBR, " +
			"smaller buffers at the bottleneck). application: look at what the sender reads from. loss: see retransmissions.",
		NotThis: "Short transfers. Requests and answers: slow-response. A client that uploads as slowly as its data comes, a stream that goes on for longer " +
			"than a minute at the rate of its source, pieces at the rate of their source (equal ones at equal distances, or ten a second and more; RTMP and RTSP, by their port; undecided, if ten a second and more come less evenly), and a window of the sender on paths below 1 ms, whose hosts take longer than the path. " +
			"Slow start, and a congestion window that grew all the time: the transfer took less than ten round trips, or the second half of the bytes came twice as fast as the first. Repairs of what had arrived, as D-SACKs report, or, without SACK, as many ACKs as segments, copies in their turn. Segments that are hardly ever full: the sender had no more to send. Losses beside which new data goes on: of their time counts what that would not take without; if something is missing nearly all the time, so that the rate without is unknown, what is not within two round trips of new data. Captures without pure ACKs, or " +
			"without more than 5 % of the transfer. A full window that would allow twice the rate if segments did not queue: that is the path, or undecided. " +
			"Round trips that are long because an ACK was delayed, as those of a lone segment show, or the application paused: nothing queues. A few long round trips: a queue stands for most of the time. " +
			"Undecided: what limited it half as much besides (losses beside a window, say); ACKs, if it also sent segments again, whether that had arrived or not, which reduces the congestion window, if the window would not have allowed twice the rate, or if what was in flight takes more than twice the smallest round trip at that rate and no round trips show whether it queued; a path whose round trips are on average less than a quarter longer than that of the handshake, in which nothing of this queued, and at least half as long: it may have changed; a path of which the second half of the bytes came half as fast again as the first, or faster; pauses of an application that may be retransmission timeouts, as the sender's IP IDs do not show that nothing was lost before the capture point, it sent segments again, or something acknowledges for it; losses of a connection without SACK, if nothing was acknowledged that had been sent once, so that no round trip is known. " +
			"Pauses of less than two round trips, away from the sender and without timestamps, are undecided. Pauses of a sender whose segments routers mark again and again (ECN). A segment that waits for a delayed ACK: ack-delay. " +
			"A sender that, as seen beside it, sent more than 5 ms and a sixteenth of a round trip after the last ACK for most of that time: no ACK released that, but a timer of its TCP or its application.",
		Peers: "Wireshark plots windows and bytes in flight (tcp.analysis.bytes_in_flight) and marks TCP Window Full; it does not add them up.",
		Refs:  []string{"RFC 9293 3.8.6", "RFC 5681", "RFC 7323 2", "RFC 8290", "RFC 9840", "RFC 3168 6.1"},
		Since: "0.3",
	},
	Outcomes: []*detectors.Outcome{byReceiver, bySender, byPath, byApplication, byLoss},
	Params: []detectors.Param{
		{Name: "min-duration", Default: 2, Min: 0.1, Max: 86400, Unit: "s", Doc: "minimum duration of the transfer"},
		{Name: "min-share", Default: 0.5, Min: 0.1, Max: 1, Unit: "", Doc: "minimum share of it that one thing took"},
		{Name: "warn-duration", Default: 10, Min: 0.1, Max: 86400, Unit: "s", Doc: "minimum duration for a warning"},
		{Name: "warn-share", Default: 0.9, Min: 0.1, Max: 1, Unit: "", Doc: "minimum share for a warning"},
		{Name: "max-application", Default: 60, Min: 1, Max: 1e6, Unit: "s", Doc: "a transfer that its application limits for longer is a stream"},
	},
	StartsOn:     fsm.On(fsm.Transferred),
	SubscribesTo: fsm.On(fsm.Transferred),
	Watch:        func(*detectors.Report) detectors.Watcher { return new(throughputLimited) },
}

var (
	byReceiver = &detectors.Outcome{Name: "receiver-window", Severity: detectors.Info, Fault: detectors.FaultHost, When: "the sender had more to send, and the receive window was full; a warning from 90 % of a transfer of 10 s on",
		Cause: "The receiver's buffer is too small for the round trip, its application reads slowly, or it slows the sender on purpose, so that other traffic comes first " +
			"(background downloads of Windows; RFC 9840).",
		Action: "If the window stays at one small size: a larger receive buffer (net.ipv4.tcp_rmem; do not set SO_RCVBUF), or window scaling. If it closes and opens: look at the reading application. " +
			"If it begins at about two segments whatever the SYN offered, grows with what is acknowledged, and falls after loss or delay: the receiver means it, and what else fills the path is the limit."}
	bySender = &detectors.Outcome{Name: "sender-window", Severity: detectors.Info, Fault: detectors.FaultSuspected, When: "the window had room, but the sender sent only as ACKs came; a warning likewise",
		Cause:  "The congestion window was small or grew slowly, the sender's send buffer is too small for the round trip, or it paces its segments.",
		Action: "A larger send buffer (net.ipv4.tcp_wmem; do not set SO_SNDBUF); another congestion control (net.ipv4.tcp_congestion_control); look for losses before this part of the capture."}
	byPath = &detectors.Outcome{Name: "path", Severity: detectors.Info, Fault: detectors.FaultPath, When: "ACKs clocked the sender while the round trip stood above the smallest: a queue before a bottleneck; a warning likewise",
		Cause:  "The path is full: a slower link between the hosts, or a rate limit. What is sent faster waits in its queue, with what others send. Or ACKs wait on their way back, as where a radio link lets them pass in batches.",
		Action: "The rate at which ACKs come is that of the bottleneck, or the share of it that others leave: if it fell while the queueing delay grew, look for their traffic. If the queueing delay hurts others: smaller or managed queues there (fq_codel), or a congestion control that does not fill them (BBR). If both sides send timestamps, TSval and TSecr tell which direction waits."}
	byApplication = &detectors.Outcome{Name: "application", Severity: detectors.Info, Fault: detectors.FaultSuspected, Needs: fsm.Text, // IP IDs tell of loss before the capture point
		When:   "the sending server's application had nothing to send; a warning likewise",
		Cause:  "The application produces its data slowly: it reads from a slow disk, database or service, or computes. Or it sends at the rate of its source, or limits its rate on purpose.",
		Action: "Look at what the sending application waits for, if it should be faster."}
	byLoss = &detectors.Outcome{Name: "loss", Severity: detectors.Info, Fault: detectors.FaultPath, Needs: fsm.Text, // without IP IDs, a late copy looks like a resend
		When:   "losses were being repaired; a warning likewise",
		Cause:  "The path drops segments: a full queue, a bad link, a rate limit that drops.",
		Action: "See the retransmissions detector for where they were lost."}
)

// throughputLimited keeps the worst transfer of a connection.
type throughputLimited struct{ reported int64 }

func (w *throughputLimited) Event(_ fsm.Event, r *detectors.Report) {
	t := r.Transfer
	if t.Duration() < r.Nanos("min-duration") || t.Duration() <= w.reported || r.Conn.Limits()&fsm.OneSided != 0 { // what it waited for was not captured
		return
	}
	limit, share := t.Limit()
	if share < r.Value("min-share") {
		return
	}
	o := outcomeOf(limit, t, r)
	if o == nil {
		return
	}
	sender := t.From
	culprit := sender
	if o == byReceiver {
		culprit = sender.Peer()
	}
	if w.reported > 0 {
		for _, f := range r.Findings() {
			r.Withdraw(f.File, f.Frame)
		}
	}
	w.reported = t.Duration()
	f := r.Find(o, culprit, t.Told, r.Evidence("first segment of the transfer", sender, &t.First), r.Evidence("last segment", sender, &t.Last))
	f.Roles = detectors.Roles("sender", sender, "receiver")
	f.Delay = t.Duration()
	if t.Duration() >= r.Nanos("warn-duration") && share >= r.Value("warn-share") {
		f.Severity = detectors.Warning
	}
	f.Measure("bytes", int(t.Bytes))
	f.Measure("duration_s", detectors.Seconds(t.Duration()))
	f.Measure("bytes_per_second", int(t.Rate()))
	f.Measure("share", float64(int(share*1000+0.5))/1000)
	if r.Conn.Limits()&(fsm.ScaleUnknown|fsm.WindowUnknown) == 0 {
		f.Measure("window_bytes", int(t.Window))
	}
	f.Measure("flight_bytes", int(t.Flight))
	if t.RTT > 0 {
		f.Measure("rtt_s", detectors.Seconds(t.RTT))
		if o != byReceiver && t.Queue > 0 { // a slow receiver makes round trips long, too, and none were timed if it is 0
			f.Measure("queue_s", detectors.Seconds(t.Queue))
		}
	}
	if o == byApplication {
		invisible(&f, t.Invisible)
		switch {
		case t.Relayed > 0, r.SpokenFor(sender) != "":
			f.Fault, f.Action = detectors.FaultUnknown, actionRelayed
			f.Undecide("something seems to acknowledge for the sender: loss or delay behind it looks the same")
		case t.Invisible:
			f.Fault = detectors.FaultUnknown
			f.Undecide("the capture does not show whether the sender sent something in its pauses that was lost before the capture point: they may be retransmission timeouts")
		}
		if t.Resent {
			f.Undecide("it also sent segments again: ACKs may not have reached it, so that its pauses are retransmission timeouts")
		}
		if t.Congested {
			f.Undecide(fmt.Sprintf("the sender reduced its congestion window %s because routers marked its segments (ECN): its pauses may be round trips through the queue that they mark", detectors.Times(int(t.Cuts))))
		}
	}
	f.Message = t.Explain(r.Name(sender), r.Name(sender.Peer()))
	if o == byReceiver && t.Roomy() {
		f.Undecide(fmt.Sprintf("the window (%s) would have allowed twice the rate with the smallest round trip (%s): segments or ACKs may have queued", detectors.Size(uint64(t.Window)), detectors.Span(t.RTT)))
	}
	before, mean := int64(r.Conn.HandshakeRTT(reassembly.A)+r.Conn.HandshakeRTT(reassembly.B)), t.RTT+t.Queue
	if o == byPath && t.Queue > 0 && !t.QueuesAbove(before) && before <= 2*mean { // else a host or a radio link was late, or something nearer acknowledges
		f.Undecide(fmt.Sprintf("round trips took %s on average, and the handshake %s, before any of this queued: they may take that long without a queue", detectors.Span(mean), detectors.Span(before)))
	}
	if o == byPath && t.Faster >= maxUneven {
		f.Undecide(fmt.Sprintf("the second half of the bytes came %.1f times as fast as the first, and what passes so much is no bottleneck at the lower rate, unless others filled it: the congestion window may have grown all the time", t.Faster))
	}
	if o == byLoss && detectors.NoSACK(r.Conn) && r.Conn.Limits()&fsm.SeqUnknown != 0 {
		f.Undecide("seq-unknown: the text has no sequence numbers for empty segments, and those of the ACKs would show whether each answers a segment, copies in their turn: then nothing was lost")
	}
	if o == byLoss && detectors.NoSACK(r.Conn) && r.Conn.SRTT(sender) == 0 && r.Conn.HandshakeRTT(sender.Peer()) == 0 {
		f.Undecide("the round trip is unknown: nothing was acknowledged that had been sent once, so the path may be slower than the sender's timeout")
	}
	if o == bySender && t.MayQueue(r.Conn.EffSndMSS()) {
		f.Undecide(fmt.Sprintf("up to %s were in flight, which at that rate take more than twice the smallest round trip (%s): segments may have queued before a bottleneck", detectors.Size(uint64(t.Flight)), detectors.Span(t.RTT)))
	}
	if o == bySender && !t.HadRoom() {
		f.Undecide(fmt.Sprintf("the window (%s) would not have allowed twice the rate: it may have been the limit, too", detectors.Size(uint64(t.Window))))
	}
	if o == bySender && t.Resent {
		f.Undecide("it also sent segments again meanwhile: losses reduce the congestion window, also those that only seem so")
	}
	if other, part := t.Besides(limit); 2*part > share {
		f.Undecide(fmt.Sprintf("it is not the only limit: for %d %% of that time %s", int(part*100+0.5), besides[other]))
	}
	if o == byApplication && t.Pause > 0 {
		f.Message += fmt.Sprintf(" Then it paused for %s.", detectors.Span(t.Pause))
	}
	if o == byApplication && t.Frequent {
		f.Undecide(fmt.Sprintf("it sent %d pieces, ten a second or more: it may send them as they come from a source, as a stream does", t.Pieces))
	}
	if o == byApplication && t.RTT >= longRTT && t.Slowest >= 2*t.RTT && t.LongestPause <= t.Slowest {
		f.Undecide(fmt.Sprintf("round trips took between %s and %s, so its pauses may be round trips", detectors.Span(t.RTT), detectors.Span(t.Slowest)))
	}
	if o == byApplication && t.Brief > 0 && float64(t.Waits[detectors.ServerApp]-t.Brief) < r.Value("min-share")*float64(t.Duration()) {
		f.Undecide(fmt.Sprintf("pauses of less than two round trips are %s of that time, and the capture point is not beside the sender: they may be the path's (a radio link, a rate limit)", detectors.Span(t.Brief)))
	}
	r.Emit(f)
}

// outcomeOf is what is reported of a transfer, nil for what is nobody's fault.
func outcomeOf(limit string, t *detectors.Transfer, r *detectors.Report) *detectors.Outcome {
	streams := services.Streams(r.Conn.Endpoint(t.From).Port)
	switch limit {
	case detectors.LimitReceiver:
		return byReceiver
	case detectors.LimitSender:
		if streams || !t.Bulk { // it had no more to send
			return nil
		}
		if t.RTT >= minWindowRTT && !t.Held() && t.Duration() >= minTrips*t.RTT && t.Faster < maxFaster && !t.Grows(r.Conn.EffSndMSS()) { // that is ack-delay's, and slow start
			return bySender
		}
	case detectors.LimitPath:
		if t.Bulk && !streams && (t.Queue >= minQueue || t.FullForLong()) {
			return byPath
		}
	case detectors.LimitLoss:
		if t.Repaired { // not only as IP IDs tell
			return byLoss
		}
	case detectors.LimitApplication:
		if _, known := r.Conn.Opener(); known && t.From == reassembly.B && t.Duration() <= r.Nanos("max-application") && !t.Steady && !streams {
			return byApplication
		}
	}
	return nil
}

// besides is what else limited a transfer.
var besides = map[string]string{
	detectors.LimitReceiver:    "it waited for the receive window",
	detectors.LimitSender:      "it sent only as ACKs came",
	detectors.LimitApplication: "its application had nothing to send",
	detectors.LimitLoss:        "it had losses to repair",
}

// actionRelayed is what to do where something acknowledges for the sender.
const actionRelayed = "Look at what the sending application waits for, or capture behind the NAT or proxy: loss and delay there look the same from here."

// longRTT is the shortest round trip in nanoseconds of which a longer one, half a second or so, is none because an ACK was delayed
// (RFC 1122 4.2.3.2).
const longRTT = 250_000_000

// minWindowRTT is the shortest round trip that a window divides: hosts take longer than
// a shorter path. minQueue is the shortest queueing delay worth a finding.
const (
	minWindowRTT = 1_000_000
	minQueue     = 10_000_000
)

// minTrips is how many round trips a transfer must take for its congestion window to be its limit: one that begins with ten
// segments is sixty times as large after as many, also where ACKs are delayed, and a single long round trip, as behind a slow
// link, is not the smallest.
const minTrips = 10

// maxFaster is how many times as fast the second half of a transfer is as the first if its congestion window grew all the time: twice, or
// 2.4 times if by the same in each round trip (RFC 5681 3.1). A window that is a limit stays.
const maxFaster = 2

// maxUneven is how many times as fast the second half of a transfer may be as the first if the path is its limit: the rate of a bottleneck stays
// (in captures, it came up to 1.2 times as fast), and slow start before it fills takes a few round trips.
const maxUneven = 1.5
