package report

import (
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A tcbField is a line of the control blocks: the name that RFC 9293 3.3.1 has
// (or RFC 6298, or plain words), the one that `netstat -x` printed, and the
// value at one end.
//
// KB Q117317 explains none of the names of netstat -x, but the block that it
// prints does. There the server's peer had sent SYN, no data, and FIN:
//
//	iniseq = 074fff8d   so this is the peer's initial number: IRS
//	finseq = 074fff8e   the peer's FIN, which follows its SYN
//	rcvseq = 074fff8f   RCV.NXT, behind the FIN
//	sndseq = 02e9a45a   SND.NXT
//	lweseq = 02e9a45a   the left window edge: SND.UNA, with nothing in flight
//
// The server opened the connection from port 20 (ftp-data): is_passive = False.
// ST_SS, ST_SR and ST_SA say that SYNs were sent, received and acknowledged,
// ST_FR that a FIN was received. sndseg = 05a8 is 1448, a segment of an MSS of
// 1460 with timestamps. It prints neither its own initial number nor its own
// FIN, and no round trip that a wire could not tell: srtt and rttvar count
// ticks there.
type tcbField struct {
	name, netstat string
	tell          func(*tcbView) string
}

// A tcbView is one end's control block as the fields look at it.
type tcbView struct {
	fsm.TCB
	peer     *fsm.TCB
	state    string
	ISN      reassembly.Seq // that the timeline's numbers are relative to
	PeerISN  reassembly.Seq
	received bool // the peer's FIN was acknowledged
}

const unknown = "unknown"

// inferred marks what the wire does not show as it is in the host: what was
// seen on its way to this end, or follows from what was seen.
const inferred = "~"

func (v *tcbView) knows(f fsm.TCBField) bool { return v.Known&f == f }

// own is a number of the end's own sequence space, as in the timeline and as on
// the wire.
func (v *tcbView) own(f fsm.TCBField, mark string, s reassembly.Seq) string {
	return v.sequence(f, mark, s, v.ISN)
}

// peers is a number of the peer's.
func (v *tcbView) peers(f fsm.TCBField, mark string, s reassembly.Seq) string {
	return v.sequence(f, mark, s, v.PeerISN)
}

func (v *tcbView) sequence(f fsm.TCBField, mark string, s, base reassembly.Seq) string {
	if !v.knows(f) {
		return unknown
	}
	return mark + strconv.FormatUint(uint64(uint32(s-base)), 10) + " (" + strconv.FormatUint(uint64(s), 10) + ")"
}

func (v *tcbView) bytes(f, scale fsm.TCBField, mark string, n uint32) string {
	switch {
	case !v.knows(f):
		return unknown
	case n > 0 && !v.knows(scale): // RFC 7323 2.2: the shift is told in SYNs only
		return mark + thousands(uint64(n)) + " or more"
	}
	return mark + thousands(uint64(n))
}

func (v *tcbView) number(f fsm.TCBField, n int) string {
	if !v.knows(f) {
		return unknown
	}
	return strconv.Itoa(n)
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

var tcbFields = [...]tcbField{
	{"state", "tcb_state", func(v *tcbView) string { return v.state }},
	{"milestones", "state", (*tcbView).milestones},
	{"passive open", "is_passive", func(v *tcbView) string {
		if !v.knows(fsm.KnowOpener) {
			return unknown
		}
		return yesNo(!v.ActiveOpen)
	}},
	{"ISS", "", func(v *tcbView) string { return v.own(fsm.KnowISS, "", v.ISS) }},
	{"SND.UNA", "lweseq", func(v *tcbView) string { return v.own(fsm.KnowSndUna, inferred, v.SndUna) }},
	{"SND.NXT", "sndseq", func(v *tcbView) string { return v.own(fsm.KnowSndNxt, "", v.SndNxt) }},
	{"SND.WND", "sndws", func(v *tcbView) string { return v.bytes(fsm.KnowSndWnd, fsm.KnowSndScale, inferred, v.SndWnd) }},
	{"largest SND.WND", "maxsndws", func(v *tcbView) string { return v.bytes(fsm.KnowSndWnd, fsm.KnowSndScale, inferred, v.MaxWnd) }},
	{"SND.WL1", "", func(v *tcbView) string { return v.peers(fsm.KnowSndWL, inferred, v.SndWL1) }},
	{"SND.WL2", "", func(v *tcbView) string { return v.own(fsm.KnowSndWL, inferred, v.SndWL2) }},
	{"window scale, sending", "", func(v *tcbView) string { return v.number(fsm.KnowSndScale, int(v.SndScale)) }},
	{"largest segment", "sndseg", (*tcbView).largestSegment},
	{"congestion window", "congestws", func(*tcbView) string { return unknown }},
	{"slow start threshold", "ssthresh", func(*tcbView) string { return unknown }},
	{"IRS", "iniseq", func(v *tcbView) string { return v.peers(fsm.KnowIRS, inferred, v.IRS) }},
	{"RCV.NXT", "rcvseq", func(v *tcbView) string { return v.peers(fsm.KnowRcvNxt, "", v.RcvNxt) }},
	{"RCV.WND", "rcvws", func(v *tcbView) string { return v.bytes(fsm.KnowRcvWnd, fsm.KnowRcvScale, "", v.RcvWnd) }},
	{"window scale, receiving", "", func(v *tcbView) string { return v.number(fsm.KnowRcvScale, int(v.RcvScale)) }},
	{"last ACK sent", "", func(v *tcbView) string { return v.peers(fsm.KnowLastAck, "", v.LastAckSent) }},
	{"FIN sent", "", func(v *tcbView) string {
		if !v.knows(fsm.KnowFIN) {
			return "none"
		}
		return v.own(fsm.KnowFIN, "", v.FIN)
	}},
	{"FIN received", "finseq", func(v *tcbView) string {
		if !v.received {
			return "none"
		}
		return v.peers(0, "", v.peer.FIN)
	}},
	{"SRTT", "srtt", func(v *tcbView) string { return v.time(v.SRTT) }},
	{"RTTVAR", "rttvar", func(v *tcbView) string { return v.time(v.RTTVar) }},
	{"RTO, backed off", "rtxdly", func(v *tcbView) string { return inferred + duration(v.RTO) }},
	{"resent in a row", "retry", func(v *tcbView) string { return strconv.Itoa(v.Rexmits) }},
	{"probes in a row", "retry", func(v *tcbView) string { return strconv.Itoa(v.Probes) }},
	{"probing", "ST_PROBING", func(v *tcbView) string { return yesNo(v.Probing) }},
	{"timers that run", "", (*tcbView).timers},
}

func (v *tcbView) time(ns int64) string {
	if !v.knows(fsm.KnowRTT) {
		return unknown
	}
	return inferred + duration(ns)
}

// milestones are those of netstat's flags that the article shows.
func (v *tcbView) milestones() string {
	var flags []string
	flag := func(is bool, name string) {
		if is {
			flags = append(flags, name)
		}
	}
	flag(v.knows(fsm.KnowISS), "ST_SS")
	flag(v.knows(fsm.KnowIRS), "ST_SR")
	flag(v.knows(fsm.KnowISS|fsm.KnowSndUna) && v.SndUna.After(v.ISS), "ST_SA")
	flag(v.received, "ST_FR")
	flag(v.Probing, "ST_PROBING")
	if flags == nil {
		return unknown
	}
	return strings.Join(flags, " ")
}

// largestSegment is what the peer announced that it takes.
func (v *tcbView) largestSegment() string {
	if v.peer.Known&fsm.KnowMSS == 0 {
		return unknown
	}
	return inferred + "at most " + strconv.Itoa(int(v.peer.MSS))
}

func (v *tcbView) timers() string {
	if len(v.Timers) == 0 {
		return inferred + "none"
	}
	return inferred + strings.Join(v.Timers, ", ")
}

// controlBlocks writes what both hosts must have in their control blocks at the
// end of the trace.
func (p *flowPage) controlBlocks() {
	if p.f.TCB == nil {
		return
	}
	names := p.titles()
	left, right := p.tcbView(p.left), p.tcbView(p.left.Peer())
	rows := [][]string{{"CONTROL BLOCK", "netstat -x", names[p.left], names[p.left.Peer()]}}
	for i := range tcbFields {
		f := &tcbFields[i]
		rows = append(rows, []string{f.name, f.netstat, f.tell(left), f.tell(right)})
	}
	for i, l := range table(rows) {
		if i == 0 {
			l = p.paint.strong(l)
		}
		p.line(l)
	}
	p.line("")
	p.line("Sequence numbers as in the timeline, and as on the wire. netstat -x is what KB Q117317 shows of such a block.")
	p.line("~ inferred: seen on its way to this end, or computed from what the capture point saw. The rest this end said itself.")
}

func (p *flowPage) tcbView(side reassembly.Side) *tcbView {
	tcb, peer := &p.f.TCB[side], &p.f.TCB[side.Peer()]
	return &tcbView{
		TCB: *tcb, peer: peer, state: string(p.appendState(nil, p.f, side)),
		ISN: p.f.ISS[side], PeerISN: p.f.ISS[side.Peer()],
		received: peer.Known&fsm.KnowFIN != 0 && tcb.Known&fsm.KnowRcvNxt != 0 && tcb.RcvNxt.After(peer.FIN),
	}
}
