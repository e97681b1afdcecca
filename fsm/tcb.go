package fsm

import "github.com/tcptrace-go/tcptrace/reassembly"

// A TCB is one end's transmission control block, inferred from the wire: the
// fields that `netstat -x` printed in KB Q117317. Known says which of them the
// wire told; the others are meaningless.
type TCB struct {
	Known TCBField

	ISS, IRS       reassembly.Seq
	SndUna, SndNxt reassembly.Seq
	SndWnd, MaxWnd uint32 // bytes, scaled
	SndWL1, SndWL2 reassembly.Seq
	RcvNxt         reassembly.Seq
	RcvWnd         uint32 // bytes, scaled: what this end last advertised
	SndScale       uint8  // shift that the peer applies to its windows
	RcvScale       uint8  // shift that this end applies
	MSS            uint16 // as this end announced
	SRTT, RTTVar   int64  // nanoseconds (RFC 6298)
	RTO            int64  // nanoseconds, with backoff
	Rexmits        int    // retransmissions in a row, now
	Probing        bool   // in the persist state
	Probes         int    // probes in a row: "retry" of the article
	FIN            reassembly.Seq
	LastAckSent    reassembly.Seq
	ActiveOpen     bool
	Timers         []string // those that must be running: retransmit, persist, time-wait, ...
}

// TCBField is a set of TCB fields.
type TCBField uint32

// The fields that may be unknown.
const (
	KnowISS TCBField = 1 << iota
	KnowIRS
	KnowSndUna
	KnowSndNxt
	KnowSndWnd
	KnowRcvNxt
	KnowRcvWnd
	KnowSndScale
	KnowRcvScale
	KnowMSS
	KnowRTT
	KnowFIN
	KnowOpener
	KnowLastAck
)
