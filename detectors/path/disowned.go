package path

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Has the silent peer said that it does not have the connection, with a RST that the other side must ignore?

// ignored notes a RST that ended nothing, in the name of a side which retries, or of its peer.
func (w *deadPeer) ignored(ev fsm.Event, r *detectors.Report) {
	rst := reassembly.MarkOf(ev.Seg)
	if ev.Class != fsm.Rst { // a later segment shows it
		rst = *ev.Was
	}
	if v := w.sides[ev.Side]; v != nil {
		v.doubtful = rst
	}
	if rst.Flags&(reassembly.RST|reassembly.ACK) == reassembly.RST && hadAcked(rst.Seq, ev.Side, r.Conn) {
		w.disowned[ev.Side] = rst
	}
}

// hadAcked reports whether the side's peer has acknowledged more than that, so that it had once acknowledged that: without a handshake in the capture,
// no more than what the side has sent in it.
func hadAcked(seq reassembly.Seq, side reassembly.Side, v fsm.View) bool {
	out := v.Stream(side)
	if !out.Knows(reassembly.KnowUna) || !seq.Before(out.Una) {
		return false
	}
	if out.Knows(reassembly.KnowISS) {
		return out.ISS.Before(seq)
	}
	return uint64(out.Una-seq) <= v.Bytes(side)+1 // its FIN
}

// disownedSince is the RST of the silent peer that it has sent since it was heard, if it had not answered a retry with one: without ACK, and with
// a number that the side which retries had acknowledged before. No socket sends it, but a host without the connection answers so what has that
// number as its ACK (RFC 9293 3.10.7.1); and the side must ignore it once it has acknowledged more (RFC 5961 3.2).
func (w *deadPeer) disownedSince(v *retryRun, peer reassembly.Side) (rst reassembly.Mark) {
	if m := &w.disowned[peer]; m.At > v.heard.At && v.refused.At == 0 {
		rst = *m
	}
	return rst
}

const causeDisowned = "The peer's host did not have the connection any more when it sent the RST (it had closed and did not wait, or restarted), or a device on the path that forgot or filters the connection sent it in the peer's name. " +
	"What was sent later is dropped without an answer: by a firewall there, or because the path broke since."

// quietDisowned is what may have become of such a peer.
func (v *retryRun) quietDisowned(own, first string) *detectors.Quiet {
	const what = " a host that does not have the connection sends it, or a device in its name (RFC 9293 3.10.7.1)."
	said := fmt.Sprintf(" Frame %d is a RST without ACK, with a number below what %s had acknowledged, so that it must be ignored (RFC 5961 3.2):", v.disowned.Frame, own) + what
	return &detectors.Quiet{Since: v.first.At, First: first, Guess: said, Up: said, Cause: causeDisowned}
}
