package detectors

import (
	"fmt"
	"math"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Transfer is a run of payload of one side, without payload of the other and without
// a long pause.
type Transfer struct {
	From         reassembly.Side
	First, Last  reassembly.Mark // its first and last segment with payload
	Bytes        uint64          // payload, each byte once, captured or not
	Missed       uint64          // of these, what was not captured
	Waits        Waits           // add up to the time from First to Last
	Window       uint32          // largest window that it was offered, in bytes
	Shrank       bool            // the window fell below half of what it had been, or below nine tenths more often than once in twenty ACKs
	Unneeded     int64           // of the loss, in nanoseconds, repairs of what had arrived, as D-SACKs report, or ACKs without SACK that answer each segment
	Spared       int64           // of the time in which it did, in nanoseconds, what the new payload that it sent meanwhile takes at its rate without losses; if that is unknown, how long this went on
	Steady       bool            // its application sent pieces at the rate of their source: equal ones at equal distances, or many a second
	Pieces       uint32          // that it sent, with pauses between
	Frequent     bool            // these are many, and came many a second
	Bulk         bool            // ten full segments or more
	LongestPause int64           // of its application, in nanoseconds
	Slowest      int64           // longest round trip of the connection so far, in nanoseconds
	Repaired     bool            // something was sent again, or overtaken by what followed it
	Resent       bool            // something was sent again, whether it had arrived or not
	Cuts         uint32          // times that the sender reduced its congestion window because routers marked its segments (ECN)
	Congested    bool            // it did so more often than once for twenty ACKs and flights
	Flight       uint32          // most bytes that were in flight
	Left         uint32          // bytes in flight after its last segment
	Faster       float64         // how many times as fast the second half of its bytes was as the first, about; 0 = unknown
	Grew         int64           // for how long these had grown when they were twice as many as before for the last time, in nanoseconds
	RTT          int64           // smallest round trip of the connection, in nanoseconds; 0 if unknown
	Beyond       int64           // of that, between the capture point and the receiver
	Pause        int64           // how long its application paused after it before it sent more, in nanoseconds; 0 if something else ended it
	Pauses       uint32          // as many of the server ended by now in the answer of which this is a part
	Answer       uint64          // payload of the answer up to that pause, captured; 0 if this is not part of one
	Told         int64           // when it was known to be over, in trace time
	Queue        int64           // by how much the mean round trip stood above that, in nanoseconds; 0 if less than three full segments were in flight
	Unqueued     uint8           // in how many percent of that time round trips were about as short as the smallest: nothing queued then
	Brief        int64           // of what its application paused, in nanoseconds, the pauses of less than two round trips that may have been the path's before the tap
	Unclocked    int64           // of the sender's window, in nanoseconds, what no ACK ended, as seen beside the sender: it did not send right behind the last one
	Relayed      int64           // round trip of the sender's handshake, in nanoseconds, if its ACKs come in less than a tenth of that: something between acknowledges for it; else 0
	Invisible    bool            // as of [Exchange]
	AcksFiltered bool            // the capture leaves out pure ACKs
	ClockStepped bool            // the timestamps of both sides stood still meanwhile, though their clocks run: the capture's was set
}

// Duration is how long the transfer took, in nanoseconds.
func (t *Transfer) Duration() int64 { return t.Last.At - t.First.At }

// Limits of a transfer, as reports name them.
const (
	LimitReceiver    = "receiver-window"
	LimitSender      = "sender-window"
	LimitPath        = "path"
	LimitApplication = "application"
	LimitLoss        = "loss"
	LimitUnknown     = "unknown"
)

// Limit is what limited the transfer most, and its share of the time, 0 to 1.
func (t *Transfer) Limit() (name string, share float64) {
	if t.Obscure() {
		return LimitUnknown, 1
	}
	amounts := t.amounts()
	most := amounts[0]
	for _, a := range amounts[1:] {
		if a.ns > most.ns {
			most = a
		}
	}
	switch most.name {
	case LimitSender:
		if queued := most.ns * int64(100-min(t.Unqueued, 100)) / 100; t.queues() && !t.Held() && 2*queued >= most.ns {
			most.name, most.ns = LimitPath, queued
		} else if uint64(t.Flight) >= t.Bytes || 2*t.Unclocked > most.ns { // no ACK came, or a timer of the sender or its application released segments
			most.name = LimitUnknown
		}
	case LimitReceiver:
		if (t.queues() || t.Queue == 0) && t.Roomy() {
			most.name = LimitPath
		}
	}
	if d := t.Waits.Sum(); d > 0 {
		share = float64(most.ns) / float64(d)
	}
	return most.name, share
}

// amount is how long one thing limited a transfer.
type amount struct {
	name string
	ns   int64
}

func (t *Transfer) amounts() [5]amount {
	w := &t.Waits
	return [...]amount{
		{LimitReceiver, w[ReceiverWindow]},
		{LimitSender, w[SenderWindow] + w[DelayedAck]},
		{LimitApplication, w[ClientApp] + w[ServerApp] + w[Idle]},
		{LimitLoss, t.Repairs() - t.Spared - t.Unneeded},
		{LimitUnknown, w[UnknownWait] + w[Network] + w[Connect] + w[Close] + t.Spared + t.Unneeded},
	}
}

// Repairs is for how long something was missing or sent again, in nanoseconds.
func (t *Transfer) Repairs() int64 { return t.Waits[Loss] + t.Waits[PeerSilent] }

// Besides is what limited the transfer most besides that, and its share of the time. Beside a queue that stands, only losses
// are: nothing else empties it. After losses, a sender sends as ACKs come.
func (t *Transfer) Besides(limit string) (name string, share float64) {
	var most amount
	for _, a := range t.amounts() {
		part := a.name == limit || a.name == LimitUnknown || limit == LimitPath && a.name != LimitLoss || limit == LimitLoss && a.name == LimitSender
		if a.ns > most.ns && !part {
			most = a
		}
	}
	if d := t.Waits.Sum(); d > 0 {
		share = float64(most.ns) / float64(d)
	}
	return most.name, share
}

// queues reports whether the round trip stood so far above the smallest one that the
// segments must have queued: by a quarter, and a millisecond.
func (t *Transfer) queues() bool { return t.RTT > 0 && t.QueuesAbove(t.RTT) }

// QueuesAbove reports whether the mean round trip stood so far above another that this took no longer because segments queued.
func (t *Transfer) QueuesAbove(rtt int64) bool { return t.RTT+t.Queue > rtt+max(rtt/4, 1_000_000) }

// Held reports whether the sender, where it sent as ACKs came, waited for the most part for ACKs that were
// delayed: Nagle's algorithm, or an application that waits for its data to be acknowledged.
func (t *Transfer) Held() bool { return t.Waits[DelayedAck] > t.Waits[SenderWindow] }

// Grows reports whether the congestion window grew all the time, as in slow start. Either what was in flight doubled less
// than minSteady round trips before its end. Or as much was sent as in slow start, if the capture point is beside the receiver, where
// nothing is in flight: from four segments, half as many more in each round trip, as where ACKs are delayed (RFC 5681 3.1, RFC 3465). Round
// trips count as they were on average: where they become shorter as a radio link or a tunnel wakes, the smallest is that of the end.
func (t *Transfer) Grows(mss uint32) bool {
	const growth, most = 1.5, 32
	mean := max(t.RTT+t.Queue, 1)
	if t.Duration()-t.Grew < minSteady*mean {
		return true
	}
	flights := float64(t.Duration())/float64(mean) + 1
	return flights < most && float64(t.Bytes) >= 4*float64(mss)*(math.Pow(growth, flights)-1)/(growth-1)
}

// minSteady is for how many round trips a window must have stayed to be a limit.
const minSteady = 4

// Obscure reports whether the capture lacks too much of the transfer: pure ACKs, a twentieth of the payload, or how long it took.
func (t *Transfer) Obscure() bool { return t.AcksFiltered || t.Missed*20 > t.Bytes || t.ClockStepped }

// Roomy reports whether the window alone would have allowed twice the rate: the receiver read at once, and ACKs came late, though
// it may not delay them (RFC 1122 4.2.3.2: one for every second full segment).
func (t *Transfer) Roomy() bool {
	return !t.Shrank && t.Window >= minRoomy && float64(t.Window) >= 2*t.Rate()*Seconds(t.RTT)
}

// HadRoom reports whether the window would have allowed twice of what was in flight, as seen or as the rate needs for a round trip.
func (t *Transfer) HadRoom() bool {
	return float64(t.Window) >= 2*max(float64(t.Flight), t.Rate()*Seconds(t.RTT))
}

// MayQueue reports whether what was in flight, three segments of that size and more, takes more than twice the smallest round trip at the
// rate of the transfer: round trips were that long, then (Little's law), and too few were timed to show it. Less may wait for a delayed ACK.
func (t *Transfer) MayQueue(mss uint32) bool {
	return t.Queue == 0 && t.Flight >= 3*mss && float64(t.Flight) > 2*t.AckRate()*Seconds(t.RTT)
}

// FullForLong reports whether the window was full for most of the time, though it would have allowed twice the rate,
// and no queue was measured: beside the receiver, what queues has not passed the tap.
func (t *Transfer) FullForLong() bool {
	return t.Queue == 0 && t.Roomy() && t.Waits[ReceiverWindow] > t.Waits[SenderWindow]
}

// minRoomy is how many bytes a window has at least that is never waited for because of a
// delayed ACK: four segments of Ethernet.
const minRoomy = 4 * fullSegment

// fullSegment is the payload of a full segment of Ethernet.
const fullSegment = 1460

// Explain says in a sentence how fast the transfer was, and what limited it, with the
// arithmetic. sender and receiver are the sides' names.
func (t *Transfer) Explain(sender, receiver string) string {
	limit, share := t.Limit()
	s := fmt.Sprintf("%s sent %s in %s (%s/s). ", sender, Size(t.Bytes), Span(t.Duration()), Size(uint64(t.Rate())))
	if limit == LimitPath && t.AckRate() < t.Rate() { // what went into the queue is not what came out
		s = fmt.Sprintf("%s sent %s in %s, and %s/s were acknowledged on average. ", sender, Size(t.Bytes), Span(t.Duration()), Size(uint64(t.AckRate())))
	}
	application := "its application had nothing to send"
	switch {
	case t.Relayed > 0:
		application = "nothing came from its application, or from behind the middlebox. " + RelayedSays(t.Relayed, sender)
	case t.Invisible:
		application += ", or what it sent was lost before the capture point"
	}
	asACKs := "it sent only as ACKs came, though the window had room (congestion window, pacing or send buffer)"
	if t.Held() {
		asACKs = "a segment that was not full waited for a delayed ACK"
	}
	asPath := fmt.Sprintf("it sent only as ACKs came, and segments or their ACKs queued for %s or more on average", AtLeast(t.Queue))
	if t.FullForLong() {
		asPath = fmt.Sprintf("the receive window was full, though it would allow %s/s with the smallest round trip, %s; what is in flight queues before the capture point",
			Size(uint64(float64(t.Window)/Seconds(t.RTT))), Span(t.RTT))
	}
	unknown := fmt.Sprintf("The capture does not show what it waited for during %s of that time", percent(share))
	if d := float64(t.Duration()); float64(t.Spared) > share*d/2 && !t.Obscure() {
		unknown = fmt.Sprintf("For %s of that time something was missing, but that did not keep it from sending new data", percent(float64(t.Spared)/d))
	}
	for _, x := range [...]struct{ limit, say string }{
		{LimitReceiver, fmt.Sprintf("For %s of that time it waited for the receive window of %s", percent(share), receiver)},
		{LimitSender, fmt.Sprintf("For %s of that time %s", percent(share), asACKs)},
		{LimitPath, fmt.Sprintf("For %s of that time %s: the path is the bottleneck", percent(share), asPath)},
		{LimitApplication, fmt.Sprintf("For %s of that time %s", percent(share), application)},
		{LimitLoss, t.repairs()},
		{LimitUnknown, unknown},
	} {
		if x.limit == limit {
			s += x.say
		}
	}
	return s + t.arithmetic(limit) + "."
}

// repairs says, without a full stop, for how long there were losses to repair, and how much of that does not count, unless that is next to nothing.
func (t *Transfer) repairs() string {
	whole, counts, rest := float64(max(t.Duration(), 1)), t.Repairs(), ""
	for _, x := range [...]struct {
		ns  int64
		say string
	}{{t.Spared, "; about %s went to new data that it sent meanwhile"}, {t.Unneeded, "; %s went to repairs of what had arrived"}} {
		if share := float64(x.ns) / whole; share >= 0.01 {
			rest += fmt.Sprintf(x.say, percent(share))
		} else {
			counts -= x.ns
		}
	}
	return fmt.Sprintf("For %s of that time it had losses to repair", percent(float64(counts)/whole)) + rest
}

// RelayedSays says, without a full stop, why it is unknown whether a host whose handshake
// took so many nanoseconds had nothing to send.
func RelayedSays(handshake int64, host string) string {
	return RelayedBy(handshake, host) + "; loss or delay behind a NAT or proxy is not in the capture"
}

// RelayedBy says, without a full stop, that something ends the connection for a host whose
// part of the handshake took so many nanoseconds: at least, for what it answers may have been sent before.
func RelayedBy(handshake int64, host string) string {
	return fmt.Sprintf("In the handshake, %s took at least %s to answer, and its ACKs come in less than a tenth of that: a NAT or proxy may acknowledge for it, or only that answer was late", host, AtLeast(handshake))
}

// arithmetic is what a window allows for each round trip. The first window's worth can leave at once.
func (t *Transfer) arithmetic(limit string) string {
	bytes, rtt := uint64(t.Window), t.RTT
	if limit != LimitReceiver || rtt < minArithmetic || bytes == 0 {
		return ""
	}
	most, rate, after, trip := float64(bytes)/Seconds(rtt), t.Rate(), "", Span(rtt)
	if mean := rtt + t.Queue; t.queues() && rate <= float64(bytes)/Seconds(mean) { // which explains the rate better
		most, trip = float64(bytes)/Seconds(mean), Span(mean)+" on average"
	}
	if rate < most/2 { // the window was not always so large, or the round trip not so short
		return fmt.Sprintf(", which was full or shut for %s", Span(t.Waits[ReceiverWindow]))
	}
	if rate > most {
		rate, after = float64(t.Bytes-min(bytes, t.Bytes))/Seconds(t.Duration()), fmt.Sprintf(" after the first %s", grouped(bytes))
	}
	if rate > most*1.005 { // as rounded
		return ""
	}
	return fmt.Sprintf(": %s bytes of window for each round trip of %s are %s/s at most%s", grouped(bytes), trip, Size(uint64(most)), after)
}

// minArithmetic is the shortest round trip that a window is divided by: below it, hosts
// take longer than the path.
const minArithmetic = 1_000_000
