package detectors

import (
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Premises are what a finding rests on beside its own connection: that something is not in another connection either,
// that the capture has all of a time, that a SYN is not one of a scan. A detector sees one connection and states them; an
// engine, which knows all connections in the end, holds them against these, and calls the method named with each.
type Premises struct {
	SYN        *SYNKey          // the SYN on which it rests, if it is another finding where that was captured to two addresses: see SentElsewhere
	Unasked    bool             // the connection has no SYN of that client's: see AskedBefore
	OnceOf     *reassembly.Side // the side whose segments must have arrived once each, if it rests on that: see ArrivedTwice
	Silence    *Silence         // the silence of both hosts, if it rests on that: see Vanished
	Unheard    bool             // nothing ever came from the server, to which the evidence was sent: see SeenLater
	Stamped    bool             // what was sent to it is a SYN with timestamps, for which a server may have dropped it
	Quiet      *Quiet           // since when the peer of the first segment of the evidence has been silent, in this connection: see SeenSince
	Unanswered bool             // what the sender of the first segment of the evidence sent was not answered: see Unreached
	Asker      fsm.Device       // which sent what was not answered, for both of these: what it sends for that host as well does not count
	Delay      int64            // the time on which it rests, if it is short, in nanoseconds: see Batched
	MayBeData  bool             // it is in order on a data connection of FTP: see OfFTP
	Lossless   *Lossless        // when the capture must not have missed a frame, if it rests on that: see MissedFrames
	Tried      bool             // it is about a SYN that got no answer, or an ICMP error, and many are those of a port scan: see OfTries
	Refusal    bool             // a RST answered the SYN of its connection, and many are those of a port scan: see OfScan, OfSweep
	Flood      bool             // for one of a port scan, its ports got more SYNs than a scanner sends: see OfScan
	Outage     *Outage          // a time in which nothing was answered, if it is about that, or rests on that: see CutOff
	During     [2]int64         // the time of which the capture must hold everything, if it is longer than from its last evidence on: see Unrecorded
	Late       *Outage          // how long an answer took, if it is about that: see Stalled
	Held       *Outage          // how long the answer of an application took, if it is about one: see HeldUp
}
