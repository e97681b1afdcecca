package resets

import (
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// outcome names the cause. goesOn says that Y goes on as if it had sent no RST.
func (k *resetCase) outcome(goesOn bool, r *detectors.Report) string {
	y, x := k.y, k.y.Peer()
	idle := k.idle >= int64(r.Value("min-idle")*1e9)-1e9
	answers := k.answers || k.near
	switch {
	case !goesOn && k.refusal(), k.scanned():
		return "refused"
	case k.before[y] == fsm.SynSent:
		return "handshake-reset"
	case !goesOn && k.before[x] == fsm.SynSent && k.answers && k.last.Flags.Has(reassembly.SYN): // the SYN-ACK was lost, and what sent it is gone
		return "refused"
	// IN ITS NAME: whoever goes on has not reset the connection. A host that does
	// not know it answered, as a NAT node does for what its conntrack calls
	// INVALID (kubernetes#74839); or somebody who wants it to end.
	case goesOn && k.bare() && k.answers && k.last.SeqLen() == 0 && k.late:
		return "late-ack"
	case goesOn:
		return "suspected-injection"

	// OVER: both FINs are acknowledged.
	case k.closed():
		return "stale"
	// AFTER ITS FIN: what came met no socket. Linux answers bare, Windows with ACK
	// of it and window 0.
	case k.shut(y) && k.lost > 0 && (k.bare() || k.beyond > 0 && !k.inPlace() || k.rst.Window == 0):
		return "data-after-close"
	case k.first.At != 0:
		return "aborted"
	case k.challenge && k.answers: // RFC 9293 figure 9
		return "half-open"
	// STRANGE: it comes from elsewhere.
	case (k.ttl || k.id) && idle:
		return "idle-drop"
	case k.ttl, k.id && !k.answers:
		return "suspected-injection"

	case answers && k.prods && (k.bare() || k.last.Len == 0):
		return "keepalive-refused"
	case !k.bare() && k.inPlace():
		if k.unread() {
			return "unread-data"
		}
		return "aborted"
	case k.shut(y):
		return "aborted"
	case k.before[y] == fsm.SynReceived && !answers: // it did not wait any longer
		return "aborted"
	case k.bare() && answers && k.old:
		return "stale"
	case k.bare() && idle && (!k.broke || middlebox.OnTheDot(k.idle)):
		return "idle-drop"
	case k.bare() && answers:
		return "half-open"
	case !k.bare() || k.doubtful || !k.seen():
		return "unexplained"
	// WITHOUT ACK, answering nothing: so abort Windows XP and iOS, by a socket that
	// is there. One that marks its packets otherwise did not make it.
	case k.atNxt && !k.noID:
		return "aborted"
	}
	return "suspected-injection"
}

// refusal says whether the RST answers a SYN as a closed port does.
func (k *resetCase) refusal() bool {
	return k.phase[k.y.Peer()] == fsm.PhaseOpening && k.phase[k.y] == fsm.PhaseIdle
}

// scanned says whether the RST answers what no connection can begin with: a port
// scan sends that, and a closed port answers it so (RFC 9293 3.10.7.1).
func (k *resetCase) scanned() bool {
	return k.answers && k.last.Flags&(reassembly.SYN|reassembly.ACK) == 0
}

// seen says whether the capture shows both sides' part of what came before.
func (k *resetCase) seen() bool { return k.packets[0] > 0 && k.packets[1] > 0 && k.prev.At != 0 }

// inPlace says whether a RST with ACK is one that a socket makes: where it
// would send next, for what it has got.
func (k *resetCase) inPlace() bool { return (k.atNxt || k.unsent > 0) && !k.doubtful && k.prev.At != 0 }

// unread says whether Y's application had not read what X sent: then a close
// sends RST (RFC 2525 2.17; RFC 9293 3.10.4). The window shows it, or that the
// data was on its way; or it is a request that nothing answers.
func (k *resetCase) unread() bool {
	x := k.y.Peer()
	if !k.spoke[x] || k.gaveUp {
		return false
	}
	lastWord := k.last.Len > 0 && !k.prods && !(k.prev.At > k.last.At && k.prev.Len > 0)
	switch {
	case k.windowFell():
		return true
	case k.lost > 0:
		return lastWord
	case k.opened == acceptor:
		return lastWord
	case k.opened == opener:
		return lastWord && !k.spoke[k.y]
	}
	return lastWord && k.rst.At-k.last.At <= k.rtt
}

// minWindowFall is how far a window must have fallen before it shows unread
// data: a receiver may hold it back by a segment or two for other reasons
// (RFC 9293 3.8.6.2.2).
const minWindowFall = 2 * 1460

// windowFell says whether Y's window has fallen so far that data must lie in it,
// and not further than there was data.
func (k *resetCase) windowFell() bool {
	return k.filled >= max(2*k.grain, minWindowFall) && uint64(k.filled) <= k.sent
}

// culprit is who has to look: as a rule the side whose RST it is.
func (k *resetCase) culprit(outcome string) reassembly.Side {
	switch outcome {
	case "stale":
		return k.y.Peer() // it sent what is old
	case "data-after-close":
		if k.knewFIN {
			return k.y.Peer() // it knew that Y had closed
		}
	}
	return k.y
}

// minLost is how much payload must be lost to count where its sender knew that
// nobody reads: a TLS close_notify is less, and nobody misses it.
const minLost = 100

// severity is less where nothing was lost that anybody wanted.
func (k *resetCase) severity(outcome string, usual detectors.Severity) detectors.Severity {
	x := k.y.Peer()
	switch outcome {
	case "aborted":
		if k.gaveUp || k.opened == acceptor && k.missing > 0 && (k.missing >= minLost || !k.shut(x)) {
			return detectors.Warning
		}
	case "unread-data":
		if k.opened == opener || k.shut(x) {
			return detectors.Info // it did not want the rest
		}
	case "data-after-close":
		fresh := k.lost >= minLost && k.recent <= uint64(k.lost) // nothing was on its way just before
		if k.opened == opener || k.knewFIN && k.lost < minLost || k.opened == unknownOpener && (k.knewFIN || !fresh) {
			return detectors.Info
		}
	case "keepalive-refused":
		if k.shut(k.y) && k.lost == 0 {
			return detectors.Info // it had closed, and said so
		}
	case "refused":
		if k.scanned() || k.taken {
			return detectors.Info
		}
	case "stale":
		if !k.closed() {
			return detectors.Warning
		}
	case "unexplained":
		if k.shut(x) {
			return detectors.Info
		}
	}
	return usual
}

// doubt makes undecided what the capture cannot carry.
func (k *resetCase) doubt(outcome string, f *detectors.Finding, r *detectors.Report) {
	x := k.y.Peer()
	switch {
	case k.packets[x] == 0:
		f.Undecide("one-sided: nothing of the peer was captured before the RST, so that what it answers cannot be seen")
	case k.doubtful:
		f.Undecide("the RST lies inside the window, but not where its sender stood: what came before it was not captured, or it is forged; the connection ends here either way")
	case outcome == "handshake-reset" && k.last.Flags&reassembly.SYN == 0:
		f.Undecide("one-sided: the SYN-ACK that it may answer was not captured")
	case outcome == "unexplained" && !k.seen():
		f.Undecide("midstream: the capture begins with the RST, and shows nothing that its sender sent before")
	case outcome == "half-open" && k.prev.At == 0:
		f.Undecide("midstream: nothing that the sender of the RST sent before was captured, so that it may have closed")
	case outcome == "stale" && k.ackUnseen && !k.closed():
		f.Undecide("holes: what the peer had acknowledged before was not captured, so that the sender of the RST may never have sent it")
	case outcome == "half-open" && k.held:
		f.Undecide("the window of its peer was closed, or full: the sender of the RST may have closed, too, and its FIN have waited behind the window")
	case k.endUnseen && (outcome == "half-open" || outcome == "keepalive-refused" || outcome == "idle-drop" && !k.ttl):
		why := "holes: the last that the sender of the RST had sent was acknowledged, but not captured, and may have been its FIN"
		if r.Old.OnlyAcks(k.y) {
			why = "midstream: of the sender of the RST only ACKs were captured before, so that it may have closed"
		}
		f.Undecide(why)
	case outcome == "half-open":
		r.Absence(f, k.last.At) // of its FIN
	case outcome == "idle-drop":
		f.Absence = detectors.AnyAbsence // of what was said in the silence; a hole would have shown that something was
		f.Doubt()
	case outcome == "suspected-injection" && k.restarts && !k.ttl && !k.id:
		f.Undecide("what goes on stands as a connection that begins: a server that answers with SYN cookies may have reset the first, and taken up another from what came after that")
	case outcome == "suspected-injection" && !k.ttl && !k.id:
		r.Absence(f, k.rst.At)
	}
}
