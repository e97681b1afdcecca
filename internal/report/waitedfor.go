package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// explain says in a few sentences whom a connection waited for, and why: by its slowest transfer or its slowest
// answer, whichever took more of the time.
func explain(f *result.Flow) string {
	t := f.Time
	var longest *detectors.Transfer
	for i := range t.Transfers {
		if x := &t.Transfers[i]; longest == nil || x.Duration() > longest.Duration() {
			longest = x
		}
	}
	server := t.Waits[detectors.ServerApp]
	switch {
	case longest != nil && longest.Duration() > server/2 && longest.Duration() > waited(&t.Waits)/4:
		from := longest.From
		return limiter(f, longest) + ". " + upper(longest.Explain(hostName(f, from), hostName(f, from.Peer())))
	case t.Exchanges.Responses.Len() > 0 && server > waited(&t.Waits)/2:
		whom := "Server"
		if 4*t.Waits[detectors.ClientApp] >= 3*server {
			whom = bothHosts
		}
		return whom + ". " + answers(t.Waits, &t.Exchanges)
	}
	most := t.Waits.Longest()
	whom := waitedFor(f, most)
	if most == detectors.Network && t.Exchanges.Responses.Len() > 1 { // nothing is wrong with it
		whom += " (round trips)"
	}
	why := waitMeaning[most]
	if most == detectors.UnknownWait && t.Unknown != waits.NoReason {
		why = t.Unknown.String()
		if _, after, named := strings.Cut(why, ": "); named {
			why = after
		}
	}
	s := fmt.Sprintf("%s. %s of %s: %s", whom, quantity.Duration(t.Waits[most]), quantity.Duration(t.Waits.Sum()), why)
	if n, roundTrip := t.Exchanges.Responses.Len(), t.RTT[0]+t.RTT[1]; most == detectors.Network && n > 1 && roundTrip > 0 {
		s += fmt.Sprintf(", for %d exchanges with a round trip of %s or more each", n, quantity.Duration(roundTrip))
	}
	if most == detectors.ClientApp || most == detectors.Idle || most == detectors.Close { // which nobody calls slow
		others := t.Waits
		others[detectors.ClientApp], others[detectors.Idle], others[detectors.Close] = 0, 0, 0
		if next := others.Longest(); others[next]*10 > t.Waits.Sum() {
			s += fmt.Sprintf(". The longest wait beside it: %s, %s", next, quantity.Duration(others[next]))
		}
	}
	return s + "."
}

// answers says how long a server took to answer.
func answers(w detectors.Waits, e *waits.Exchanges) string {
	x := &e.Slowest[0]
	s := fmt.Sprintf("The server took %s of %s to answer. ", quantity.Duration(w[detectors.ServerApp]), quantity.Duration(w.Sum()))
	if n := e.Responses.Len(); n > 1 {
		s += fmt.Sprintf("Of %d answers, the median took %s, the slowest %s (frames %d and %d).", n, quantity.Duration(e.Responses.At(0.5)), quantity.Duration(x.Response), x.Request, x.Answer)
	} else {
		s += fmt.Sprintf("The request ends in frame %d, the answer begins in frame %d.", x.Request, x.Answer)
	}
	if client := w[detectors.ClientApp]; client*4 > w.Sum() {
		s += " Between them, the client had nothing to send for " + quantity.Duration(client) + "."
	}
	return s
}

// limiter is whom a transfer waited for: the word that somebody looks for first.
func limiter(f *result.Flow, x *detectors.Transfer) string {
	switch limit, _ := x.Limit(); {
	case limit == detectors.LimitReceiver:
		return hostWord(f, x.From.Peer())
	case limit == detectors.LimitPath || limit == detectors.LimitLoss:
		return "Network"
	case limit == detectors.LimitUnknown || limit == detectors.LimitApplication && x.Relayed > 0:
		return "Unknown"
	case limit == detectors.LimitSender && x.Held():
		return bothHosts
	}
	return hostWord(f, x.From)
}

const bothHosts = "Client and server"

// waitedFor is whom a connection waited for if this was its longest wait.
func waitedFor(f *result.Flow, w detectors.Wait) string {
	sender := reassembly.A // of most payload
	if f.Bytes[reassembly.B] > f.Bytes[reassembly.A] {
		sender = reassembly.B
	}
	switch w {
	case detectors.ClientApp:
		return "Client"
	case detectors.ServerApp:
		return "Server"
	case detectors.Connect, detectors.Network, detectors.Loss:
		return "Network"
	case detectors.ReceiverWindow:
		return hostWord(f, sender.Peer())
	case detectors.SenderWindow:
		return hostWord(f, sender)
	case detectors.DelayedAck:
		return bothHosts
	case detectors.PeerSilent:
		return "Network, or a host that does not answer"
	case detectors.Idle, detectors.Close:
		return "Nobody"
	}
	return "Unknown"
}

// hostName is the side in a sentence.
func hostName(f *result.Flow, side reassembly.Side) string {
	if f.Initiator == result.InitiatorUnknown {
		return f.End[side].String()
	}
	return "the " + name(f, side)
}

// hostWord is the side at the beginning of a sentence, without an article.
func hostWord(f *result.Flow, side reassembly.Side) string {
	return upper(strings.TrimPrefix(hostName(f, side), "the "))
}

// waitMeaning says what a wait is.
var waitMeaning = [detectors.NumWaits]string{
	detectors.Connect: "the handshake", detectors.ClientApp: "the client's application had nothing to send",
	detectors.ServerApp: "the server's application had nothing to send", detectors.Network: "segments were on their way",
	detectors.Loss:           "lost data was sent again",
	detectors.ReceiverWindow: "the sender had more to send, but the receive window was full",
	detectors.SenderWindow:   "the window had room, but the sender sent only as ACKs came: its own limit, or the path's if segments queued",
	detectors.DelayedAck:     "the sender waited for an ACK that the receiver delayed", detectors.Idle: "idle: everything was delivered",
	detectors.Close: "closing", detectors.PeerSilent: "no TCP segment came in answer", detectors.UnknownWait: "the capture cannot tell",
}

// meaning is what a wait is, for beside its name.
func meaning(w detectors.Wait) string { return strings.TrimPrefix(waitMeaning[w], w.String()+": ") }

// upper writes the first letter large.
func upper(s string) string {
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
