package flowcontrol

import (
	"fmt"
	"math/bits"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// WindowShrunk reports a receiver that takes back window it has offered. RFC 9293
// 3.8.6.
var WindowShrunk = &detectors.Detector{
	Name:  "window-shrunk",
	Needs: fsm.SeqUnknown,
	Doc: detectors.Doc{
		Title: "a receiver took back part of the window that it had offered",
		What: "The right edge of the window, acknowledgment number plus window, moves left from one segment of the receiver to the next, by " +
			"more than the rounding of the window scale. RFC 9293 3.8.6 strongly discourages this: the sender may already have sent what it was allowed to send.",
		Cause: "A receiver that sizes its window by the memory it has left: Linux with net.ipv4.tcp_shrink_window enabled, or out of socket " +
			"memory; small embedded stacks with few buffers. A receiver that slows its peer on purpose, after loss or delay, so that other traffic comes first " +
			"(background downloads of Windows; RFC 9840): its window begins at about two segments, whatever its SYN offered, and grows with what it acknowledges. " +
			"Or a proxy or load balancer that rewrites windows to shape traffic.",
		Action: "Check the receiver's memory (TCP pruning and collapsing counters in netstat -s, tcp_mem, rmem) and any middlebox that shapes traffic by window. " +
			"Nothing, if the receiver slows its peer on purpose. If data was cut off, expect retransmissions that no packet loss explains.",
		NotThis: "A window that gets smaller as data fills it: its right edge stays. A change of less than two units of the window scale, unless data was in flight there: a window may be rounded up once, and down the next time. A " +
			"correction of the window in the SYN-ACK. ACKs that others overtook: with a smaller SEQ or ACK than has been seen, or the same of both within a round trip, unless the IP identifications prove their order. A host is accused only if one device is proved to have sent both segments: their IP identifications follow one another (in either byte order; by more than 16 only if all of that side count up), all segments had one TTL, the ACK did not come back sooner than the host answers, and its peer sent payload. A segment after a RST, or one that acknowledges what the capture does not show: its receiver may drop it. A connection whose window scale is unknown. " +
			"A window that shrank to 0 and was then probed (zero-window-probe-loop). Multipath TCP, whose window counts from what was acknowledged on all of its connections.",
		Peers: "Wireshark does not compare right edges. Zeek calls this window_recision.",
		Refs:  []string{"RFC 9293 3.8.6", "RFC 7323 2.4", "RFC 9840"},
		Since: "0.2",
	},
	Outcomes:     []*detectors.Outcome{cutOff, takenBack},
	StartsOn:     fsm.On(fsm.WindowShrunk, fsm.WindowOld),
	SubscribesTo: fsm.On(fsm.WindowShrunk, fsm.WindowOld) | crosses,
	Watch:        watchShrunk,
	YieldsTo:     []string{"zero-window-probe-loop"},
}

// watchShrunk declines Multipath TCP: the window of each of its connections counts from what was acknowledged of the data of
// all, with numbers of its own (RFC 8684 3.3.1).
func watchShrunk(r *detectors.Report) detectors.Watcher {
	if detectors.Multipath(r.Conn) {
		return nil
	}
	return new(windowShrunk)
}

var (
	cutOff = &detectors.Outcome{Name: "cut-off", Severity: detectors.Warning, Fault: detectors.FaultHost,
		When: "data was in flight beyond the new right edge, and was not SACKed: the receiver will not accept data that it had asked for. Beside the receiver, " +
			"such data is captured after the segment that took the window back: it echoes an earlier timestamp, or comes too soon to know that, and is then sent again"}
	takenBack = &detectors.Outcome{Name: "taken-back", Severity: detectors.Info, Fault: detectors.FaultHost, When: "nothing is known to have been cut off there"}
)

// causeDevices is the cause where no segment that shrinks the window comes from the device
// that had offered it.
const causeDevices = "A load balancer, proxy or firewall answers in the host's name for a part of the connection, and advertises another window than the host. " +
	"Somebody who injects a segment does the same."

// causeProgram is the cause where one of the two segments was not meant to arrive.
const causeProgram = "A program on the host, or a device beside it, makes or rewrites segments, with windows of its own: decoys with a small TTL mislead packet inspection on the path. The window that the host itself offers may never have shrunk."

// causeDamage is the cause where one bit explains the larger window.
const causeDamage = "A bad cable, memory or network card, or a test that damages packets, changed a bit. The receiver of the segment discards it, because of its checksum."

// windowShrunk is by the side that offers its window.
type windowShrunk struct {
	offers [2]*reassembly.Mark // what had set the window, before segments that others overtook; nil if there were none
	sides  [2]*shrinks         // nil if the side has not shrunk it
}

// shrinks are all the times that one side has shrunk its window.
type shrinks struct {
	run     offer           // what offered the most, while nothing was offered again since
	offered reassembly.Mark // what had offered the most before the first; At is 0 if that is not known
	allowed reassembly.Mark // before cut
	first   reassembly.Mark // the anchor
	cut     reassembly.Mark // the first that cut off cutOff bytes
	device  reassembly.Mark // the first that follows a segment of another device, by its TTL
	before  reassembly.Mark // that segment, or the one with which a device apart begins
	apart   reassembly.Mark // the first from the device that had offered the window, by TTL and IP ID, where others of the side have another TTL
	nearer  bool            // what had offered the window before that acknowledged sooner than the host answers
	damaged reassembly.Mark // the first after a window that differs from it in one bit
	last    reassembly.Mark
	own     int // how many are proved to come from the device that had offered the window
	count   int
	cuts    int
	older   int      // of these, how many may have been sent before what had offered more
	largest uint32   // bytes taken back at once
	cutOff  uint32   // bytes in flight beyond the edge, at most
	under   crossing // since it last shrank
	crossed crossing // of cut; its shrunk.At is 0 if the capture shows that data before cut
}

func (w *windowShrunk) Event(ev fsm.Event, r *detectors.Report) {
	switch ev.Kind {
	case fsm.WindowOld:
		w.overtaken(ev, r.Conn)
	case fsm.WindowShrunk:
		if w.sides[ev.Side] == nil {
			w.sides[ev.Side] = new(shrinks)
		}
		w.shrunk(ev, w.sides[ev.Side], reassembly.MarkOf(ev.Seg), r)
	default:
		w.crosses(ev, r)
	}
	kinds := WindowShrunk.StartsOn
	for _, s := range w.sides {
		if s != nil && s.under.open() {
			kinds |= crosses
		}
	}
	r.Subscribe(kinds)
}

// The most by which the IP identifications of two segments differ of which one follows the other: with a few packets of other connections in
// between, as one in 2,048 does by chance, in either byte order; and with more, if the side counts up.
const (
	nextIDs = 16
	nearIDs = 1024
)

// follows reports whether an IP identification follows the one before it, so that the same device counted both. numbered says that those of
// the side count up.
func follows(before, id uint16, numbered bool) bool {
	room := uint16(nextIDs)
	if numbered {
		room = nearIDs
	}
	near := func(up, room uint16) bool { return up > 0 && up <= room }
	return id != 0 && before != 0 && (near(id-before, room) || near(bits.ReverseBytes16(id)-bits.ReverseBytes16(before), nextIDs))
}

// sameDevice reports whether the device that had offered the larger window is proved to have sent the smaller one, too.
func sameDevice(ev fsm.Event, offer, m *reassembly.Mark, v fsm.View) bool {
	h := v.IPHabits(ev.Side)
	return follows(offer.IPID, m.IPID, h.Numbered) && (offer.TTL != m.TTL || !h.VariesTTL) &&
		v.Relayed(ev.Side) == 0 && !sooner(v, ev.Side, offer)
}

// shrunk notes that the side took back window.
func (w *windowShrunk) shrunk(ev fsm.Event, s *shrinks, m reassembly.Mark, r *detectors.Report) {
	cut := beyondEdge(r.Conn, ev.Side.Peer(), ev.Seg)
	if cut == 0 && rounding(r.Conn, ev.Side, ev.N) {
		return
	}
	was, habits := w.offer(ev, &m, r.Conn), r.Conn.IPHabits(ev.Side)
	s.run.shrinks(&was, edgeOf(&m, ev.Side, r.Conn), ev.N)

	s.last = m
	if s.count++; s.count == 1 {
		s.first, s.offered = m, s.run.Mark
	}
	s.largest = max(s.largest, ev.N)
	if was.At != 0 && m.Seq.Before(was.Seq) && (m.IPID == 0 || was.IPID == 0) {
		s.older++
	}
	switch {
	case was.At == 0:
	case (fsm.Habits{}).OtherTTL(&was, &m):
		if s.device.At == 0 {
			s.device, s.before = m, was
		}
	case oneBit(was.Window, m.Window):
		if s.damaged.At == 0 {
			s.damaged = m
		}
	case sameDevice(ev, &was, &m, r.Conn):
		s.own++
	case s.apart.At == 0 && s.device.At == 0 && was.TTL == m.TTL && habits.VariesTTL && follows(was.IPID, m.IPID, habits.Numbered):
		s.apart, s.before, s.nearer = m, was, sooner(r.Conn, ev.Side, &was)
	}
	if cut > 0 {
		if s.cuts++; cut > s.cutOff {
			s.cut, s.cutOff, s.allowed, s.crossed = m, cut, s.run.Mark, crossing{}
		}
	} else {
		s.under.watches(ev.Seg, &s.run.Mark, ev.Side, r.Conn)
	}
	s.report(ev.Side, r)
}

// nearby is the shortest handshake whose time tells that another device answers: what
// comes back within less may be a matter of how busy a host is.
const nearby = 4 * time.Millisecond

// sooner reports whether the side's ACK came back in less than half the time that its
// handshake took. A device before the host that acknowledges in its name does that.
func sooner(v fsm.View, side reassembly.Side, ack *reassembly.Mark) bool {
	data, handshake := v.Last(side.Peer()), v.HandshakeRTT(side)
	return handshake >= nearby && data.Len > 0 && data.At <= ack.At && ack.Ack == data.End() && 2*(ack.At-data.At) < int64(handshake)
}

// oneBit reports whether two windows differ in one of the upper six bits and nothing else, as after damage on the way that
// a checksum would show. A window that is halved, or whose lower bits are all the same, may be a host's.
func oneBit(before, after uint16) bool {
	const upper, lower = 0xfc00, 0x00ff
	bit, low := before^after, after&lower
	return bit&upper != 0 && bit&(bit-1) == 0 && low != 0 && low != lower
}

// report reports what the side has taken back so far.
func (s *shrinks) report(side reassembly.Side, r *detectors.Report) {
	last := &s.last
	own, peer := r.Name(side), r.Name(side.Peer())
	outcome := takenBack
	evidence := []detectors.Evidence{r.Evidence("window shrunk", side, &s.first)}
	if s.offered.At != 0 {
		evidence = append(evidence, r.Evidence("window offered", side, &s.offered))
	}
	if s.cuts > 0 {
		outcome = cutOff
		if !detectors.SameFrame(&s.cut, &s.first) {
			evidence = append(evidence, r.Evidence("window shrunk below data in flight", side, &s.cut))
		}
		if s.allowed.At != 0 && !detectors.SameFrame(&s.allowed, &s.offered) {
			evidence = append(evidence, r.Evidence("window offered for that data", side, &s.allowed))
		}
	}
	if !detectors.SameFrame(last, &s.first) && !detectors.SameFrame(last, &s.cut) {
		evidence = append(evidence, r.Evidence("window shrunk, last time", side, last))
	}
	evidence = s.crossed.evidence(evidence, side, r)
	f := r.Find(outcome, side, max(last.At, s.crossed.resent.At), evidence...)
	f.Roles = detectors.Roles("receiver", side, "sender")
	f.Measure("shrinks", s.count)
	f.Measure("cuts", s.cuts)
	f.Measure("taken_back", int(s.largest))
	f.Measure("cut_off", int(s.cutOff))
	often := ""
	if s.count > 1 {
		often = detectors.Times(int(s.count)) + ", first in "
	}
	f.Message = fmt.Sprintf("%s took back up to %d bytes of the window that it had offered %s (%sframe %d).", own, s.largest, peer, often, s.first.Frame)
	switch {
	case s.offered.At == 0:
	case s.count == 1:
		f.Message += fmt.Sprintf(" Frame %d had offered it.", s.offered.Frame)
	default:
		f.Message += fmt.Sprintf(" Before the first, frame %d had offered the most.", s.offered.Frame)
	}
	if s.cuts > 0 {
		allowed := ""
		if s.allowed.At != 0 && s.count > 1 {
			allowed = fmt.Sprintf(" by frame %d", s.allowed.Frame)
		}
		if s.crossed.shrunk.At != 0 {
			f.Message += s.crossed.cutOff(peer, own, allowed)
		} else {
			f.Message += fmt.Sprintf(" %s had up to %d bytes in flight there (frame %d). It was allowed to send them%s, and may have to send them again.",
				peer, s.cutOff, s.cut.Frame, allowed)
		}
	} else {
		f.Message += s.under.harm(peer, own)
	}
	if s.older == s.count {
		f.Undecide("what offered the larger window has a later sequence number, and no IP identifications tell which was sent first: it may have overtaken the other on the way")
	}
	switch {
	case s.own > 0 && r.Conn.Bytes(side.Peer()) == 0:
		f.Fault = detectors.FaultUnknown
		f.Message += fmt.Sprintf(" But %s sent no payload that was captured, and nothing else fills a buffer: the capture may lack it.", peer)
	case s.own > 0:
	case s.damaged.At != 0:
		f.Fault, f.Cause = detectors.FaultPath, causeDamage
		f.Undecide(fmt.Sprintf("the smaller window (frame %d) and the one before it differ in one bit: the larger may have been damaged on its way (its checksum would show it)", s.damaged.Frame))
	case s.device.At != 0 && min(s.device.TTL, s.before.TTL) <= fsm.MostHops:
		f.Fault, f.Cause = detectors.FaultUnknown, causeProgram
		f.Message += fmt.Sprintf(" That segment (frame %d) has TTL %d, the one before it %d (frame %d): the one with the small TTL can hardly arrive, and a program wrote it.",
			s.device.Frame, s.device.TTL, s.before.TTL, s.before.Frame)
	case s.device.At != 0:
		f.Fault, f.Cause = detectors.FaultPath, causeDevices
		f.Message += fmt.Sprintf(" That segment (frame %d) has TTL %d, the one before it %d (frame %d): two devices speak for %s, and each offers its own window.",
			s.device.Frame, s.device.TTL, s.before.TTL, s.before.Frame, own)
	case s.apart.At != 0 && s.nearer:
		f.Fault, f.Cause = detectors.FaultPath, causeDevices
		f.Message += fmt.Sprintf(" One device sent that segment (frame %d) and the one before it (frame %d), as their TTL (%d) and IP IDs show. Others from %s have another TTL, and frame %[2]d acknowledged sooner than that host answers: "+
			"a device nearer to %[5]s speaks for it. It offered a window of its own there, and may have passed on the smaller one.", s.apart.Frame, s.before.Frame, s.apart.TTL, own, peer)
	case s.apart.At != 0:
		f.Fault = detectors.FaultUnknown
		f.Message += fmt.Sprintf(" One device sent that segment (frame %d) and the one before it (frame %d), as their TTL (%d) and IP IDs show. Others from %s have another TTL: it need not be that host.",
			s.apart.Frame, s.before.Frame, s.apart.TTL, own)
	default:
		f.Fault = detectors.FaultUnknown
		f.Message += fmt.Sprintf(" Nothing proves that one device sent both that segment and the one that had offered more: a load balancer or proxy may have sent one of them in the name of %s.", own)
	}
	r.Emit(f)
}
