package waiting

import (
	"fmt"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/services"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// late is what late answers of a connection have in common. From it follows whether the server was slow,
// or had no news: a long poll, a blocking read and a subscription are answered late, too.
type late struct {
	n        int
	row      int   // answers in a row that came late
	rows     int   // the most of these
	shortest int64 // nanoseconds
	longest  int64
	total    int64
	size     uint32   // of the first of their requests, in bytes
	unlike   bool     // not all requests have as many
	usual    bool     // one like these was answered promptly before the first late answer to it
	sooner   int      // how many like these were answered, but not late
	others   [4]alike // requests before the first late answer that were answered neither promptly nor late
	next     uint8
	large    bool   // an answer was large
	atOnce   int    // requests that came right after payload of the server, the first aside
	heard    int64  // when the last answer came that was not prompt, or any since the first late one
	gap      int64  // how long after the one before
	beats    int    // how many in a row came as long after the one before, each to a request that came right after that
	acks     bool   // the last may only acknowledge a message
	ended    int64  // when the last of these answers came
	soonest  int64  // the shortest time from one to the next; 0 if there was one only
	latest   int64  // the longest
	polled   uint32 // the size of a request that was answered only after max-response; 0 if none was
}

// note notes an answer that came late.
func (l *late) note(x *detectors.Exchange, large bool) {
	if l.n == 0 {
		l.size, l.shortest = x.Asked, x.Response
		for _, o := range l.others {
			if o.size == l.size {
				l.sooner = o.n
			}
		}
	} else {
		since := x.Answer.At - l.ended
		if l.n == 1 {
			l.soonest = since
		}
		l.soonest, l.latest = min(l.soonest, since), max(l.latest, since)
		if x.AtOnce {
			l.atOnce++
		}
	}
	l.n++
	l.row++
	l.rows = max(l.rows, l.row)
	l.shortest, l.longest, l.total = min(l.shortest, x.Response), max(l.longest, x.Response), l.total+x.Response
	l.unlike = l.unlike || x.Asked != l.size
	l.usual = l.usual || x.Alike
	l.large = l.large || large
	l.acks = x.Acks
	l.ended = x.Answer.At
}

// alike are requests with as many bytes of payload.
type alike struct {
	size uint32
	n    int
}

// answered notes an answer that did not come late.
func (l *late) answered(x *detectors.Exchange) {
	if l.n > 0 {
		if x.Asked == l.size {
			l.sooner++
		}
		return
	}
	if x.Response < int64(detectors.PromptAnswer) { // of these, [detectors.Exchange.Alike] tells
		return
	}
	i := slices.IndexFunc(l.others[:], func(o alike) bool { return o.size == x.Asked })
	if i < 0 {
		i = int(l.next) % len(l.others)
		l.next++
		l.others[i] = alike{size: x.Asked}
	}
	l.others[i].n++
}

// poll notes an answer that came later than any server takes: its request, which was sent as soon as the one
// before was answered, waited for news. It reports whether all late answers are to requests like that one.
func (l *late) poll(x *detectors.Exchange) bool {
	if x.AtOnce {
		l.polled = x.Asked
	}
	return l.n > 0 && !l.unlike && l.size == l.polled
}

// immediate reports whether no request to the server waits for news.
func immediate(r *detectors.Report) bool {
	return services.AnswersAtOnce(r.Conn.Endpoint(reassembly.B).Port)
}

// own reports whether the server took its own time, whatever the answers are: as its protocol says,
// or because the answers followed requests that came when the client liked.
func (l *late) own(r *detectors.Report) bool {
	return immediate(r) ||
		l.n >= minPolls && !l.unlike && l.atOnce == 0 && l.similar() && l.latest-l.soonest >= 2*(l.longest-l.shortest) && l.latest-l.soonest > l.longest/10
}

// similar reports whether all late answers took about as long: news come when they like.
func (l *late) similar() bool { return 2*l.longest <= 3*l.shortest }

// periodic reports whether the answers came at a steady rate, whenever they were asked for.
func (l *late) periodic() bool {
	return l.n >= minPolls && l.latest-l.soonest < (l.longest-l.shortest)/2
}

// subscribes reports whether the late answers may have waited for news, whatever else the connection
// is used for: small answers to several requests that are all alike, of which none was answered promptly
// before, or few were, and that were sent as soon as the one before was answered, or waited for differently long. A blocking
// read of a queue (BLPOP, XREAD BLOCK) does, and a subscriber that acknowledges each message.
func (l *late) subscribes() bool {
	if l.n < 2 || l.large || l.unlike || l.usual {
		return false
	}
	if l.sooner > 0 {
		return l.sooner <= l.n && l.atOnce > 0 && l.longest > maxSpread*l.shortest
	}
	return l.atOnce > 0 || !l.similar() || l.periodic()
}

// maxSpread is how many times as long as the shortest the longest late answer takes of a server that is slow.
const maxSpread = 4

// polls reports whether the connection looks like a long poll after its first exchanges: late
// answers in a row, and as many as there are others.
func (l *late) polls(x *detectors.Exchange) bool {
	return l.rows >= minPolls && uint32(l.n) >= x.Prompt
}

const minPolls = 3

// minBeats is how many distances must be equal, to one in evenness of their length, for a server to speak at times of its own.
const (
	minBeats = 2
	evenness = 32
)

// beat notes how long after the one before an answer came.
func (l *late) beat(x *detectors.Exchange) {
	gap := x.Answer.At - l.heard
	off, prompt := gap-l.gap, x.Response < int64(detectors.PromptAnswer)
	if !prompt && x.AtOnce && max(off, -off) <= gap/evenness {
		l.beats++
	} else if l.beats < minBeats {
		l.beats = 0
	}
	l.heard, l.gap = x.Answer.At, gap
}

// mayPoll reports whether a single late answer may have waited for news, after few prompt ones
// (the handshake of TLS looks like two or three of these): it took so long.
func (l *late) mayPoll(x *detectors.Exchange, r *detectors.Report) bool {
	return l.n == 1 && float64(x.Prompt) < 2*r.Value("min-prompt") && l.longest > r.Nanos("max-response")/4
}

// minExchanges is how many prompt answers show that the server answers each request, whatever the protocol: three or four are
// no more than the handshake of TLS and a login, after which a chat or a WebSocket begins.
const minExchanges = 10

// asks reports whether the client asks, and the answer is due at once: by the protocol of the port, or by sizes as of HTTP. What is
// shorter may be a line of a chat, a move of a game or a command of a remote shell, for which a person must answer, or the
// acknowledgment of a message.
func (l *late) asks(port uint16, prompt uint32) bool {
	long := l.size >= services.ShortestHTTP
	if services.HTTP(port) {
		return long || l.large
	}
	return long && (l.large || prompt >= minExchanges) || services.Greets(port)
}

// doubt makes a finding undecided if the client may not have asked, or the server may have waited for news.
func (l *late) doubt(f *detectors.Finding, x *detectors.Exchange, r *detectors.Report) {
	port := r.Conn.Endpoint(reassembly.B).Port
	switch {
	case x.Greeted && !services.Greets(port):
		f.Undecide("the server spoke first: it may be the one that asks, and the client the one that answers")
	case l.own(r):
	case !l.asks(port, x.Prompt):
		f.Undecide(fmt.Sprintf("nothing shows that the client asks (here with %s to port %d) and wants an answer at once: that may wait for news or a person, as in a chat, a game or a WebSocket",
			detectors.Counted(l.size, "byte", "bytes"), port))
	case l.large:
	case l.subscribes():
		f.Undecide(fmt.Sprintf("all of these requests are alike (%s), and none like them is usually answered promptly: they may have waited for news, as a blocking read or a subscription does",
			detectors.Counted(l.size, "byte", "bytes")))
	case l.n == 1 && l.acks && float64(x.Prompt) < 2*r.Value("min-prompt"):
		f.Undecide(fmt.Sprintf(acknowledges, detectors.Counted(l.size, "byte", "bytes")) + ": the answer may be news")
	case l.beats >= minBeats:
		f.Undecide("the server answers as often, at equal distances, as soon as it has been answered: it may speak at times of its own, and the client only replies")
	}
}

// acknowledges says of a request, of so many bytes, that it may be none.
const acknowledges = "the request (%s) came right after a message of the server, in segments that are no longer than an acknowledgment of that within TLS"
