package waiting

import (
	"fmt"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// SlowResponse reports a server whose application took long to answer, paused in the
// middle of an answer, or did not answer at all.
var SlowResponse = &detectors.Detector{
	Name: "slow-response",
	Doc: detectors.Doc{
		Title: "the server took long to answer",
		What: "A request arrived (the server acknowledged it), and the answer began a second or more later; or it began, and paused; " +
			"or none came, and the client gave up. Loss, windows and round trips do not explain the wait: the server's application " +
			"had nothing to send.",
		Cause: "The server's application waits: for a database, another service, another client or a person (as a chat or a game does), a lock, a full thread pool, a disk, or its own computation. Some wait on purpose, as after a wrong password. Or a proxy or a load balancer that answers in its place had to connect to it first.",
		Action: "Look at the server's log for the time of the request's frame, and at what it calls. Other answers of the same connection " +
			"tell whether all requests are slow or some. A capture on the server shows whether it waits for a connection of its own.",
		NotThis: "Undecided, if late answers from two other networks came to the same host within 10 ms, or one of TCP alone (of a handshake, or to what was sent again): something held all of them up. Undecided, as the client may not have asked: a server that speaks first, where the protocol, by its port, does not begin so (FTP, SSH, Telnet, SMTP, POP3, NNTP, IMAP, MySQL do). And where nothing shows that the client asks and wants an answer at once: no protocol that does so, by its port, and no request of 100 bytes or more with an answer of min-bytes or more, or after ten prompt answers (on port 80, 443 or 8080, either size is enough). Multipath TCP, where the answer may come on another of its connections. " +
			"A request without an answer that nothing shows to want one: none with as many bytes was answered promptly before. A pause that may have been a retransmission timeout: the sender's IP IDs do not show that nothing was lost before the capture point, or something acknowledges for it. A long poll or a subscription: the server answers when there is news, always late and with little (also after a few prompt " +
			"answers: three late ones in a row, and no fewer in all; or a single one after more than a quarter of max-response and fewer than twice min-prompt prompt answers), or speaks without being asked. " +
			"A subscriber that acknowledges each message with less than five bytes, as MQTT does. Requests that are sent as soon as the one before was answered, and of which one was answered only after max-response. " +
			"Undecided, as a blocking read of a queue looks like this: several slow requests that are all alike, with small answers, none of which usually comes promptly, sent as soon as the one before was answered, or that took differently long. " +
			"And a single one at once after a message, in segments of 55 bytes or less: an acknowledgment within TLS, such as PING or WINDOW_UPDATE of HTTP/2. And small answers at equal distances (three and more, none of them prompt), each to a request that came at once after the one before: a server that speaks at times of its own, to which the client replies. None of this holds for protocols in which no request waits for news, by their port (FTP, SSH, SMTP, DNS, POP3, LDAP, MySQL, PostgreSQL), " +
			"nor for three requests and more that were sent when the client liked and took about as long each. " +
			"A pause of a stream that is sent as fast as it is played (RTSP, RTMP, by their port). An interactive session, whose client pauses. The acknowledgment of an HTTP/2 frame that the server has just sent (SETTINGS, PING), by its size. A connection in a pool that waits for its next request. A request or an answer that was lost " +
			"and sent again, a request that arrived late (it was acknowledged late), an answer that the path held up (resends of any of its segments, before which a round trip or a timeout passes, arrived with it), or an answer that waits for a window. What was transit, by the timestamps of the ACK of the request and the answer. A client that pauses between two large answers. A pause after which less than min-bytes came before the client spoke or closed: a goodbye (a close_notify of TLS), or another message. Where a NAT or proxy seems to " +
			"acknowledge for the server (ACKs in less than a tenth of what the handshake took), loss or delay behind it may be the cause: fault unknown. So it is where the server is a proxy by its port (1080, 3128), and where a server of FTP (port 21 or 990) may have waited for a data connection.",
		Peers: "Wireshark shows the gap in the time column; its service response times (SRT) know some protocols.",
		Refs:  []string{"RFC 9293 3.8.4"},
		Since: "0.3",
	},
	Outcomes: []*detectors.Outcome{slow, paused, unanswered},
	Params: []detectors.Param{
		{Name: "min-response", Default: 1, Min: 0.25, Max: 3600, Unit: "s", Doc: "minimum time from the end of a request to the answer, or of a pause in an answer"},
		{Name: "max-response", Default: 20, Min: 1, Max: 86400, Unit: "s", Doc: "who answers later than this is taken to wait for news, as a long poll does, unless its protocol, by its port, never does (FTP, SMTP, DNS, POP3, MySQL, PostgreSQL)"},
		{Name: "min-prompt", Default: 3, Min: 0, Max: 1e6, Unit: "", Doc: "answers within 250 ms of the same connection that show that it is no long poll"},
		{Name: "min-bytes", Default: 4096, Min: 0, Max: 1e9, Unit: "", Doc: "an answer of so many bytes is no long poll's, either; and one that goes on with so many after a pause was not over"},
		{Name: "min-unanswered", Default: 5, Min: 0.25, Max: 3600, Unit: "s", Doc: "minimum time that a client waited before it gave up"},
	},
	StartsOn:     tells,
	SubscribesTo: follows,
	Watch: func(r *detectors.Report) detectors.Watcher {
		if detectors.Multipath(r.Conn) {
			return nil
		}
		w := new(slowResponse)
		w.subscribe(r)
		return w
	},
}

var (
	slow = &detectors.Outcome{Name: "slow", Severity: detectors.Info, Fault: detectors.FaultSuspected, Needs: fsm.SeqUnknown, // an ACK's tells of an answer that was not captured
		When: "answers began more than min-response after their requests, on a connection with prompt answers, too, or they were large"}
	paused = &detectors.Outcome{Name: "paused", Severity: detectors.Info, Fault: detectors.FaultHost,
		When: "an answer of 100 kB or more paused once or twice for more than min-response, and went on"}
	unanswered = &detectors.Outcome{Name: "unanswered", Severity: detectors.Info, Fault: detectors.FaultSuspected,
		When: "the server had answered promptly before, and the client closed or reset the connection after it had waited for min-unanswered"}
)

// slowResponse follows one connection. Client and server are known: accounts tell of
// exchanges only where the handshake was captured.
type slowResponse struct {
	first  detectors.Exchange
	aside  detectors.Exchange // the one whose answer came latest of all that count as news; Response is 0 if none did
	asides uint32             // how many these are
	frames []string           // of the requests with slow answers, the first few
	late
	pauses []pause // the first few
	open   bool    // whether the answer goes on after the last of these is not known yet
}

// maxFrames is how many frames a sentence names.
const maxFrames = 5

func (w *slowResponse) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.Transferred:
		if r.Conn.Limits()&fsm.OneSided == 0 { // else what the server waited for was not captured
			w.transfer(r.Transfer, r)
		}
		w.subscribe(r)
		return
	case fsm.DataSent, fsm.FinSent:
		w.goesOn(ev, r)
		w.subscribe(r)
		return
	}
	x := r.Exchange
	if x.Answer.At != 0 {
		w.beat(x)
	}
	switch {
	case x.Pushes > 0: // it speaks without being asked: nobody waits for an answer
		w.withdraw(r)
	case x.Asked < minRequest: // of a subscriber, that it received what the server sent: what comes next answers nothing
	case x.Answer.At == 0:
		w.noAnswer(x, r)
	case tooLate(x, r) && !x.Reply && w.poll(x):
		w.withdraw(r)
	case isSlow(x, r) && x.Asked != w.polled:
		w.slow(x, r)
	default:
		switch w.row = 0; {
		case x.Response < r.Nanos("min-response"):
			w.answered(x)
		case x.Acked && !x.Reply: // too late, or to a request like one that was
			if w.asides++; x.Response > w.aside.Response {
				w.aside = *x
			}
		}
		if w.n > 0 {
			w.report(x, r)
		}
	}
}

// isSlow reports whether a request, which the server acknowledged, was answered late. One that looks like an acknowledgment
// counts if a large answer goes on after it.
func isSlow(x *detectors.Exchange, r *detectors.Report) bool {
	late := x.Response >= r.Nanos("min-response") && !tooLate(x, r)
	wanted := !x.Reply || x.Resumed && float64(x.Bytes) >= r.Value("min-bytes")
	return late && x.Acked && wanted
}

// tooLate reports whether an answer came so late that it is taken for news.
func tooLate(x *detectors.Exchange, r *detectors.Report) bool {
	return x.Response > r.Nanos("max-response") && !services.NeverWaits(r.Conn.Endpoint(reassembly.B).Port)
}

// minRequest is the payload of a request for which somebody waits. MQTT acknowledges a message with 4 bytes
// (PUBACK, PUBREC, PUBCOMP: MQTT 3.1.1 3.4 to 3.7).
const minRequest = 5

// withdraw takes back what was reported before it was known that the server waits for news.
func (w *slowResponse) withdraw(r *detectors.Report) {
	if w.n > 0 {
		r.Withdraw(w.first.Request.File, w.first.Request.Frame)
		w.n = 0
	}
}

// slow notes an answer that came late.
func (w *slowResponse) slow(x *detectors.Exchange, r *detectors.Report) {
	if w.n == 0 {
		w.first = *x
	}
	w.note(x, float64(x.Bytes) >= r.Value("min-bytes"))
	if len(w.frames) < maxFrames {
		w.frames = append(w.frames, fmt.Sprint(x.Request.Frame))
	}
	w.report(x, r)
}

// report reports slow answers, once it is known that they are not the rule.
func (w *slowResponse) report(x *detectors.Exchange, r *detectors.Report) {
	if !w.large && !w.own(r) && (float64(x.Prompt) < r.Value("min-prompt") || w.polls(x) || w.mayPoll(x, r)) {
		r.Withdraw(w.first.Request.File, w.first.Request.Frame)
		return
	}
	const server = reassembly.B
	f := r.Find(slow, server, x.Told, r.Evidence("last segment of the request", server.Peer(), &w.first.Request),
		r.Evidence("first segment of the answer", server, &w.first.Answer))
	f.Roles = detectors.Roles("server", server, "client")
	f.End, f.Delay = x.Answer.At, w.longest
	f.Measure("slow", w.n)
	f.Measure("longest_s", detectors.Seconds(w.longest))
	f.Measure("total_s", detectors.Seconds(w.total))
	f.Measure("prompt", int(x.Prompt))
	after, took := "", detectors.Span(w.first.Response)
	if whole := detectors.Span(w.first.Answer.At - w.first.Request.At); whole != took { // round trips, transit, losses and windows are not the server's
		after = ", " + whole + " later"
	}
	f.Message = fmt.Sprintf("%s took %s to answer the request that ends in frame %d; the answer begins in frame %d%s.", r.Name(server),
		took, w.first.Request.Frame, w.first.Answer.Frame, after)
	if w.n == 1 && r.Conn.Stream(server).ISS+1 == w.first.Answer.Seq && services.Greets(r.Conn.Endpoint(server).Port) {
		f.Message += " That begins with its greeting, for which the client had not waited."
	}
	if w.n > 1 {
		more := ""
		if w.n > len(w.frames) {
			more = ", ..."
		}
		f.Message = fmt.Sprintf("%d answers of %s took longer than %s: %s in total, %s the longest (requests in frames %s%s).", w.n, r.Name(server),
			detectors.Span(r.Nanos("min-response")), detectors.Span(w.total), detectors.Span(w.longest), strings.Join(w.frames, ", "), more)
	}
	if x.Prompt > 0 {
		f.Message += " " + detectors.Counted(x.Prompt, "prompt answer", "prompt answers") + average(x) + "."
	}
	if w.asides > 0 {
		others, are := "Another took", "is"
		if w.asides > 1 {
			others, are = fmt.Sprintf("%d others took up to", w.asides), "are"
		}
		f.Message += fmt.Sprintf(" %s %s (request in frame %d) and %s not counted: a server that answers so late usually waits for news.",
			others, detectors.Span(w.aside.Response), w.aside.Request.Frame, are)
	}
	relayed(&f, x.Relayed, r)
	transfers(&f, w.longest, r)
	if invisible(&f, x.Invisible); x.Invisible {
		f.Message += " An answer that was lost before the capture point and sent again would look the same."
	}
	w.doubt(&f, x, r)
	if w.n == 1 {
		f.Held = heldBy(&w.first, r)
	}
	r.Emit(f)
}

// heldBy is the time from a request to its answer, at the capture point.
func heldBy(x *detectors.Exchange, r *detectors.Report) *detectors.Outage {
	return &detectors.Outage{From: r.Conn.Endpoint(reassembly.A), To: r.Conn.Endpoint(reassembly.B), Start: x.Request.At, End: x.Answer.At, Frame: x.Answer.Frame}
}

// noAnswer reports a request that the client gave up on. That a capture ends before an
// answer says nothing.
func (w *slowResponse) noAnswer(x *detectors.Exchange, r *detectors.Report) {
	out := r.Conn.Stream(reassembly.A)
	arrived := out.Covered(x.Request.End())
	enough := x.Response >= r.Nanos("min-unanswered") && float64(x.Prompt) >= r.Value("min-prompt")
	news := w.subscribes() && x.Asked == w.size || x.Asked == w.polled
	if !x.GaveUp || x.Reply || news || !arrived || !enough {
		return
	}
	const server = reassembly.B
	last := r.Conn.Last(server.Peer())
	f := r.Find(unanswered, server, x.Told, r.Evidence("request, never answered", server.Peer(), &x.Request), r.Evidence("the client gives up", server.Peer(), &last))
	f.Roles = detectors.Roles("server", server, "client")
	f.Measure("waited_s", detectors.Seconds(x.Response))
	f.Measure("prompt", int(x.Prompt))
	f.Message = fmt.Sprintf("%s acknowledged the request that ends in frame %d and did not answer it. After %s %s gave up (frame %d). Before, %s.",
		r.Name(server), x.Request.Frame, detectors.Span(x.Response), r.Name(server.Peer()), last.Frame,
		detectors.Counted(x.Prompt, "prompt answer", "prompt answers")+average(x))
	relayed(&f, x.Relayed, r)
	transfers(&f, x.Response, r)
	if (x.Acks || !x.Alike) && !immediate(r) {
		f.Undecide(fmt.Sprintf("nothing shows that what the client sent (%s) wants an answer: it may acknowledge a message, or wait for news", detectors.Counted(x.Asked, "byte", "bytes")))
	}
	r.Absence(&f, x.Request.At)
	r.Emit(f)
}

// transfers takes the blame from a server of FTP that may have waited for a data connection, which the path or its peer can prevent.
func transfers(f *detectors.Finding, waited int64, r *detectors.Report) {
	if services.FTP(r.Conn.Endpoint(reassembly.B).Port) && waited >= r.Nanos("min-unanswered") {
		f.Fault = detectors.FaultUnknown
		f.Message += " If the request was a transfer (RETR, STOR, LIST), the server may have waited for the data connection."
	}
}

// relayed takes the blame from the server if something before it seems to acknowledge
// for it: the wait may be loss or delay behind that. So may that of a proxy, by its port.
func relayed(f *detectors.Finding, handshake int64, r *detectors.Report) {
	if port := r.Conn.Endpoint(reassembly.B).Port; services.Forwards(port) {
		f.Fault = detectors.FaultUnknown
		f.Message += fmt.Sprintf(" Port %d is that of a proxy, which may wait for the server behind it.", port)
	}
	if handshake > 0 {
		f.Fault = detectors.FaultUnknown
		f.Message += " " + detectors.RelayedSays(handshake, r.Name(reassembly.B)) + "."
	}
}

// invisible adds the limit where a wait may have been loss before the capture point.
func invisible(f *detectors.Finding, may bool) {
	if may {
		f.Limits |= fsm.LossInvisible
	}
}

// average says how long prompt answers took. Of less than a millisecond, it is not known how
// much is the round trip's.
func average(x *detectors.Exchange) string {
	switch {
	case x.Mean < time.Millisecond:
		return " came at once"
	case x.Relayed > 0: // the round trip is known as far as what acknowledges
		return fmt.Sprintf(" took %s on average, with the way behind what acknowledges", detectors.Span(int64(x.Mean)))
	}
	return fmt.Sprintf(" took %s on average", detectors.Span(int64(x.Mean)))
}
