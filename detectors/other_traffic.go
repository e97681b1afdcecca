package detectors

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What is said of a host that does not answer, and was seen elsewhere.

// OtherTraffic is where else, in other connections, a host was seen to which something was sent that it did not answer.
type OtherTraffic struct {
	Last  *reassembly.Segment // the last that was sent to it
	Amid  int64               // how long after the first it was seen before the last that asks for an answer, if it was, in nanoseconds
	Later int64               // how long after that it was seen, if it was
	Seen  [2]string           // what it sent before that, if after the first, and afterwards: "frame 1"; empty if nothing is known
}

// DownForAWhile is a part of causes that such traffic may refute.
const DownForAWhile = "; or the peer's host was down, suspended or cut off for a while"

// SeenLater says of a host from which nothing ever came (Unheard is set) that it sent something in another connection.
// Engines call it as they call SentElsewhere.
func (f *Finding) SeenLater(s *OtherTraffic) {
	during, after := s.Seen[0], s.Seen[1]
	when, is, frame := "Later", "it is up by then", after
	switch {
	case during != "":
		when, is, frame = "After the first SYN", "it was up", during
	case after == "":
		return
	}
	f.Scope = WholeCapture
	f.Message += fmt.Sprintf(" %s, %v sent something in another connection (%s): %s.", when, s.Last.Dst.AddrPort().Addr(), frame, is)
	if f.Cause != "" {
		return
	}
	f.Cause = "The host was seen later, in other connections: its address is in use, and it was down only if it came up since. Else a firewall drops SYNs from this client or to this port, "
	if during != "" {
		f.Cause = "The host was up, as its other connections show. A firewall drops SYNs from this client or to this port, "
	}
	f.Cause += "the accept queue is full (Linux then drops SYNs), "
	if f.Stamped {
		f.Cause += "Linux before 4.12 with net.ipv4.tcp_tw_recycle drops SYNs of clients behind one NAT by their timestamps, "
	}
	f.Cause += "or segments were lost."
}

// StillSends says of a host that sent nothing any more in this connection (Silence.Stopped is set) that it did in another. Engines call it as
// they call SentElsewhere; frame names one of that.
func StillSends(f *Finding, frame string) {
	f.Scope = WholeCapture
	if f.Silence.Up != "" {
		f.Message += fmt.Sprintf(" %v sent something in another connection since (%s).", f.Evidence[0].Seg.Src.AddrPort().Addr(), frame)
		f.Cause = f.Silence.Up
		return
	}
	f.Message = strings.Replace(f.Message, "it gave up, or its host was cut off.", fmt.Sprintf("it gave up; its host sent something in another connection since (%s).", frame), 1)
}

// Quiet says since when nothing comes from a host, nanoseconds since 1970, and what the message guesses about that: with what
// this connection shows, and if the host is up. First is what the finding's first frame is the first of; Or is what else than
// that it was down, "or it ..."; Cause is the cause if the host is up, empty if it is the usual one; Action what to do then, empty if that is what
// it is otherwise. Spoke says that the host sent payload or a FIN in this connection: an application had accepted it.
type Quiet struct {
	Since                               int64
	First, Guess, Up, Or, Cause, Action string
	Spoke                               bool
}

const sentSince = "it sent something in another connection since."

// leastAmid is when a host that is seen shows that it was not down at the time either when the first was sent to it that it did not answer: later
// than that takes to reach it. What was sent afterwards should have been answered as well, unless it was down twice.
const leastAmid = int64(time.Second)

// SeenSince says of a host that is silent in this connection (Quiet is not nil) that it sent something in another one since.
// Engines call it as they call SentElsewhere.
func (f *Finding) SeenSince(s *OtherTraffic) {
	during, after := s.Seen[0], s.Seen[1]
	q, host := f.Quiet, s.Last.Dst.AddrPort().Addr()
	m := fmt.Sprintf(" After the first %s (frame %d), %v sent something in another connection (%s): its host was up then.", q.First, f.Evidence[0].Seg.Frame, host, during)
	switch {
	case during != "" && after != "":
		m = fmt.Sprintf(" After the first %s (frame %d), and again after the last of these segments (frame %d), %v sent something in another connection (%s, and %s): its host is up.",
			q.First, f.Evidence[0].Seg.Frame, s.Last.Frame, host, during, after)
	case after != "":
		m = fmt.Sprintf(" %s after the last of these segments (frame %d), %v sent something in another connection (%s): its host is up by then.", Span(s.Later), s.Last.Frame, host, after)
	case during == "":
		return
	}
	m += q.Up
	never := ", or never accepted it"
	if q.Spoke {
		never = ""
	}
	up, down := "The peer's host is up: "+sentSince+" It", DownForAWhile
	switch {
	case during != "" && q.Or == "" && s.Amid >= leastAmid:
		down = ""
	case during == "":
		up, down = "The peer's host was down or cut off, and came back later, as its other connections show; or it", ""
	}
	f.Cause = cmp.Or(q.Cause, up+" lost this connection and its firewall hides that"+never+"; or a device on the path forgot the connection, filters it, or had answered in the peer's name"+down+".")
	switch or := q.Or; {
	case during != "" && after != "":
		if or != "" {
			m += " I" + strings.TrimPrefix(or, "or i")
		}
		f.Cause = strings.Replace(f.Cause, DownForAWhile, "", 1)
	case or != "":
		m += " It may have been down or cut off for a while (look for UDP or ARP from it meanwhile), " + or
	}
	if after == "" { // nothing shows that it still was
		f.Cause = strings.Replace(f.Cause, "is up: "+sentSince, "was up at that time, as another connection shows.", 1)
	}
	f.Scope = WholeCapture
	f.Message = strings.Replace(f.Message, q.Guess, m, 1)
	f.Action = cmp.Or(q.Action, f.Action)
}
