package waits

import (
	"math"
	"slices"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// exchange follows requests and answers through payload: a request is payload of the
// client that begins the connection or follows the server's.
func (s *step) exchange() {
	switch {
	case !s.known:
	case s.side == reassembly.A:
		s.asks()
	case s.asking:
		s.endOfRequest()
		s.asking, s.size = false, s.asked()
		if out := s.conn.Out(reassembly.A); out.Skipped(out.Nxt - 1) { // the end of the request was not captured
			return
		}
		if s.ahead && s.seg.At-s.own.pure > maxReorder { // it was sent before, and is sent again
			return
		}
		s.replying, s.acked = true, s.delivered()
		s.thought = s.Waits[detectors.ServerApp] - s.thought
		if acked := s.own.pure; acked >= s.request.At && !s.ahead { // by then, the request had arrived, not much longer before
			s.thought = max(min(s.thought, s.seg.At-s.own.late(s.seg)-acked+maxDelayedACK), 0)
		}
		s.beginAnswer()
	case s.seg.At-s.own.sent > max(2*s.roundTrip(), minPush) && s.own.sentLen < s.full():
		s.told.noteRare(s.Account).pushes++
	}
}

// endOfRequest makes the last of several segments in a flight the request.
func (s *step) endOfRequest() {
	last := &s.run.last
	later := s.request.At < last.At || s.request.At == last.At && s.request.End().Before(last.End()) // in the same tick of a clock
	if s.run.side == reassembly.A && later && !s.reply {
		s.request = *last
	}
}

// maxDelayedACK is for how long hosts hold an ACK at most: Linux, Windows and BSD do so for up to 200 ms and a tick (RFC 9293 3.8.6.3 allows
// 500 ms). What an ACK takes longer, it was on its way, behind a queue.
const maxDelayedACK = 250_000_000

// maxReorder is how much later than an ACK that it precedes an answer may come that was
// overtaken: the 3 ms that Wireshark allows.
const maxReorder = 3_000_000

// runsAhead notes that an empty segment of the server, which is asked, lies beyond all that was
// captured of it: it has sent more.
func (a *Account) runsAhead(seg *reassembly.Segment, out *reassembly.Stream) {
	if seg.Flags&reassembly.RST == 0 && out.Nxt.Before(seg.Seq) {
		a.ahead = true
	}
}

// minPush is how long a server pauses before it sends something that is no more of its
// answer.
const minPush = 500_000_000

// minAgain is how long a client pauses before what it sends is another request.
const minAgain = 50_000_000

// maxGreeting is the most that a server sends before it answers the first request of HTTP/2: session
// tickets of TLS 1.3, SETTINGS, WINDOW_UPDATE and the acknowledgment of the client's SETTINGS.
const maxGreeting = 1000

// goesOn reports whether the payload only acknowledges what the server said before it answers, so that the client still
// waits for that.
func (s *step) goesOn(reply bool) bool {
	return reply && s.replying && s.answerBytes() <= maxGreeting && s.answerBegan().first.At-s.request.At < s.roundTrip()+int64(detectors.PromptAnswer)
}

// asks notes payload of the client.
func (s *step) asks() {
	reply := !s.asking && services.MayAcknowledge(s.conn.Endpoint(reassembly.B).Port, s.seg.Len) && s.peer.sent != 0 && s.seg.At-s.peer.sent <= s.roundTrip()+minAgain
	if s.goesOn(reply) {
		s.replying, s.asking, s.resumed, s.thought = false, true, true, s.Waits[detectors.ServerApp]-s.thought
		s.reply = true
		return
	}
	if s.replying {
		s.tellExchange(s.answerBytes())
	}
	if s.asking && s.seg.At-s.request.At > max(s.roundTrip(), minAgain) {
		if !s.pipelined {
			s.told.noteRare(s.Account).pushes++ // neither waits for the other
		}
		s.pipelined = true
	}
	s.reply = reply
	s.ahead = s.ahead && s.asking
	atOnce := s.answers > 0 && s.seg.At-s.peer.sent <= s.own.rtt+minAgain
	if bytes := s.conn.Bytes(reassembly.A); !s.asking {
		s.requested, s.resumed = bytes-min(bytes, uint64(s.seg.Len)), false
		s.atOnce, s.acks = atOnce, true
	}
	s.acks = s.acks && atOnce && s.seg.Len <= services.LongestAck
	s.request.Set(s.seg)
	s.asking, s.thought = true, s.Waits[detectors.ServerApp]
}

// delivered reports whether the server acknowledged the request before it answered.
func (s *step) delivered() bool {
	client := &s.ends[reassembly.A]
	return client.offers > 0 && s.request.End().AtOrBefore(client.windows[client.latest].una)
}

// tellExchange reports an answer that is over.
func (s *step) tellExchange(bytes uint64) {
	answer := s.answerBegan().first
	if s.request.Ack.Before(answer.Seq) && s.conn.Out(reassembly.B).Skipped(answer.Seq-1) { // it began in what was not captured
		s.replying, s.pipelined = false, false
		return
	}
	took := max(answer.At-s.request.At-s.ends[reassembly.B].rtt, 0)
	response := min(took, s.thought)
	prompt := response < int64(detectors.PromptAnswer)
	alike := s.sizes.have(s.size)
	// What was on its way before the request arrived does not show how soon the server answers, nor what may have been sent again: of that,
	// more is not the server's than [step.thisRoundTrip] gives the path.
	again := took-response > s.ends[reassembly.B].rtt/4
	if s.answers++; prompt && (!again || took < int64(detectors.PromptAnswer)) && s.request.End().AtOrBefore(answer.Ack) {
		if s.prompt++; !again {
			took = response
		}
		s.promptTime += took
		s.sizes.note(s.size, alike)
	}
	if !prompt || s.slowly || s.told.Prompt {
		s.slowly = s.slowly || !prompt
		x := &s.told.exchange
		*x = detectors.Exchange{Request: s.request, Answer: answer, Response: response, Bytes: bytes, Pipelined: s.pipelined,
			Acked: s.acked, Reply: s.reply, Resumed: s.resumed, Asked: s.size, Alike: alike, AtOnce: s.atOnce, Acks: s.acks, Relayed: int64(s.conn.Relayed(reassembly.B))}
		s.tell(x)
	}
	s.replying, s.pipelined = false, false
}

// sizes are those of some requests: of up to eight different ones, the latest.
type sizes struct {
	of   [8]uint16
	next uint8
}

func (z *sizes) have(n uint32) bool { return slices.Contains(z.of[:], uint16(min(n, math.MaxUint16))) }

// note notes a size; had says that it is there.
func (z *sizes) note(n uint32, had bool) {
	if !had {
		z.of[z.next%uint8(len(z.of))] = uint16(min(n, math.MaxUint16))
		z.next++
	}
}

// asked is how many bytes the request has so far.
func (s *step) asked() uint32 {
	return uint32(min(s.conn.Bytes(reassembly.A)-s.requested, math.MaxUint32))
}

func (s *step) tell(x *detectors.Exchange) {
	if s.told.Exchange == nil {
		return
	}
	x.Invisible, x.Greeted = s.invisible>>reassembly.B != 0, s.greeted
	x.Told, x.Answers, x.Prompt, x.Pushes = s.seg.At, s.answers, s.prompt, s.told.rareOf(s.Account).pushes
	if s.prompt > 0 {
		x.Mean = time.Duration(s.promptTime / int64(s.prompt))
	}
	s.told.Exchange(s.Account, x)
}

// endExchange reports the last exchange. gaveUp says that the client ended it.
func (s *step) endExchange(at int64, gaveUp bool) {
	if s.replying {
		s.tellExchange(s.answerBytes())
	}
	if s.asking {
		s.endOfRequest()
		x := &s.told.exchange
		*x = detectors.Exchange{Request: s.request, Asked: s.asked(), Alike: s.sizes.have(s.asked()), Response: max(at-s.request.At-s.ends[1].rtt, 0), Pipelined: s.pipelined, GaveUp: gaveUp, Reply: s.reply, AtOnce: s.atOnce, Acks: s.acks, Relayed: int64(s.conn.Relayed(reassembly.B))}
		s.tell(x)
	}
	s.asking, s.pipelined = false, false
}
