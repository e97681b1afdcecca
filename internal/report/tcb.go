package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A tcbField is a line of the control blocks: its name in RFC 9293 3.3.1 (or
// RFC 6298, or plain words), its name in `netstat -x`, and the value at one end.
//
// KB Q117317 does not explain the names of netstat -x, but the block that it
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
// FIN; srtt and rttvar count ticks there.
type tcbField struct {
	name, netstat string
	value         func(*tcbView) string
}

// A tcbView is one end's control block as the fields look at it.
type tcbView struct {
	fsm.TCB
	peer         *fsm.TCB
	state        string
	isn, peerISN reassembly.Seq // that the timeline's numbers are relative to
	received     bool           // the peer's FIN was acknowledged
}

const unknown = "unknown"

// inferred marks what the capture does not show as it is in the host: what was
// seen on its way to this end, or follows from what was seen.
const inferred = "~"

// known is the value if the fields are known.
func (v *tcbView) known(f fsm.TCBField, mark, value string) string {
	if v.Known&f != f {
		return unknown
	}
	return mark + value
}

// own is a number of the end's own sequence space, as in the timeline and as on
// the wire.
func (v *tcbView) own(f fsm.TCBField, mark string, s reassembly.Seq) string {
	return v.known(f, mark, fmt.Sprintf("%d (%d)", uint32(s-v.isn), s))
}

// peers is a number of the peer's sequence space.
func (v *tcbView) peers(f fsm.TCBField, mark string, s reassembly.Seq) string {
	return v.known(f, mark, fmt.Sprintf("%d (%d)", uint32(s-v.peerISN), s))
}

func (v *tcbView) bytes(f, scale fsm.TCBField, mark string, n uint32) string {
	if n > 0 && v.Known&scale == 0 { // RFC 7323 2.2: only SYNs carry the shift
		return v.known(f, mark, quantity.Thousands(uint64(n))+" or more")
	}
	return v.known(f, mark, quantity.Thousands(uint64(n)))
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
	{"passive open", "is_passive", func(v *tcbView) string { return v.known(fsm.KnowOpener, "", yesNo(!v.ActiveOpen)) }},
	{"ISS", "", func(v *tcbView) string { return v.own(fsm.KnowISS, "", v.ISS) }},
	{"SND.UNA", "lweseq", func(v *tcbView) string { return v.own(fsm.KnowSndUna, inferred, v.SndUna) }},
	{"SND.NXT", "sndseq", func(v *tcbView) string { return v.own(fsm.KnowSndNxt, "", v.SndNxt) }},
	{"SND.WND", "sndws", func(v *tcbView) string { return v.bytes(fsm.KnowSndWnd, fsm.KnowSndScale, inferred, v.SndWnd) }},
	{"largest SND.WND", "maxsndws", func(v *tcbView) string { return v.bytes(fsm.KnowSndWnd, fsm.KnowSndScale, inferred, v.MaxWnd) }},
	{"SND.WL1", "", func(v *tcbView) string { return v.peers(fsm.KnowSndWL, inferred, v.SndWL1) }},
	{"SND.WL2", "", func(v *tcbView) string { return v.own(fsm.KnowSndWL, inferred, v.SndWL2) }},
	{"window scale, sending", "", func(v *tcbView) string { return v.known(fsm.KnowSndScale, "", strconv.Itoa(int(v.SndScale))) }},
	{"largest segment", "sndseg", (*tcbView).largestSegment},
	{"congestion window", "congestws", func(*tcbView) string { return unknown }},
	{"slow start threshold", "ssthresh", func(*tcbView) string { return unknown }},
	{"IRS", "iniseq", func(v *tcbView) string { return v.peers(fsm.KnowIRS, inferred, v.IRS) }},
	{"RCV.NXT", "rcvseq", func(v *tcbView) string { return v.peers(fsm.KnowRcvNxt, "", v.RcvNxt) }},
	{"RCV.WND", "rcvws", func(v *tcbView) string { return v.bytes(fsm.KnowRcvWnd, fsm.KnowRcvScale, "", v.RcvWnd) }},
	{"window scale, receiving", "", func(v *tcbView) string { return v.known(fsm.KnowRcvScale, "", strconv.Itoa(int(v.RcvScale))) }},
	{"last ACK sent", "", func(v *tcbView) string { return v.peers(fsm.KnowLastAck, "", v.LastAckSent) }},
	{"FIN sent", "", func(v *tcbView) string {
		if v.Known&fsm.KnowFIN == 0 {
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
	{"SRTT", "srtt", func(v *tcbView) string { return v.known(fsm.KnowRTT, inferred, quantity.Duration(v.SRTT)) }},
	{"RTTVAR", "rttvar", func(v *tcbView) string { return v.known(fsm.KnowRTT, inferred, quantity.Duration(v.RTTVar)) }},
	{"RTO, backed off", "rtxdly", func(v *tcbView) string { return inferred + quantity.Duration(v.RTO) }},
	{"resent in a row", "retry", func(v *tcbView) string { return strconv.Itoa(v.Rexmits) }},
	{"probes in a row", "retry", func(v *tcbView) string { return strconv.Itoa(v.Probes) }},
	{"probing", "ST_PROBING", func(v *tcbView) string { return yesNo(v.Probing) }},
	{"running timers", "", func(v *tcbView) string { return inferred + cmp.Or(strings.Join(v.Timers, ", "), "none") }},
}

// milestones are those of netstat's flags that the article shows.
func (v *tcbView) milestones() string {
	var flags []string
	for _, flag := range [...]struct {
		name string
		is   bool
	}{
		{"ST_SS", v.Known&fsm.KnowISS != 0}, {"ST_SR", v.Known&fsm.KnowIRS != 0},
		{"ST_SA", v.Known&fsm.KnowISS != 0 && v.Known&fsm.KnowSndUna != 0 && v.SndUna.After(v.ISS)},
		{"ST_FR", v.received}, {"ST_PROBING", v.Probing},
	} {
		if flag.is {
			flags = append(flags, flag.name)
		}
	}
	return cmp.Or(strings.Join(flags, " "), unknown)
}

// largestSegment is what the peer announced that it takes.
func (v *tcbView) largestSegment() string {
	if v.peer.Known&fsm.KnowMSS == 0 {
		return unknown
	}
	return inferred + "at most " + strconv.Itoa(int(v.peer.MSS))
}

// controlBlocks writes what both hosts must have in their control blocks at the
// end of the trace.
func (p *flowPage) controlBlocks() {
	if p.f.TCB == nil {
		return
	}
	p.titled("", p.controlRows())
	p.line("")
	for _, s := range controlNotes {
		p.remark(s)
	}
}

// controlNotes say how to read control blocks.
var controlNotes = []string{
	"Sequence numbers are those of the timeline, with those on the wire in parentheses. netstat -x: its names in KB Q117317.",
	"~ is inferred: seen on its way to this end, or computed from the capture. Everything else was sent by this end.",
}

func (p *flowPage) controlRows() [][]string {
	names := p.titles()
	left, right := p.tcbView(p.sides[0]), p.tcbView(p.sides[1])
	rows := [][]string{{"CONTROL BLOCK", "netstat -x", names[0], names[1]}}
	for i := range tcbFields {
		f := &tcbFields[i]
		rows = append(rows, []string{f.name, f.netstat, f.value(left), f.value(right)})
	}
	return rows
}

func (p *flowPage) tcbView(side reassembly.Side) *tcbView {
	tcb, peer := &p.f.TCB[side], &p.f.TCB[side.Peer()]
	return &tcbView{
		TCB: *tcb, peer: peer, state: p.state(p.f, side), isn: p.f.ISS[side], peerISN: p.f.ISS[side.Peer()],
		received: peer.Known&fsm.KnowFIN != 0 && tcb.Known&fsm.KnowRcvNxt != 0 && tcb.RcvNxt.After(peer.FIN),
	}
}
