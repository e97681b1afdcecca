package detectors

import (
	"fmt"
	"time"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// ArrivedTwice makes a finding undecided that rests on segments having arrived once each (OnceOf is
// not nil): a D-SACK shows that payload of the same side arrived twice. Engines call it as they call
// SentElsewhere, where another capture point has that D-SACK.
func (f *Finding) ArrivedTwice() {
	f.Undecide("segments to the sender of the RST arrive twice, as its D-SACK shows: the RST may answer the second copy of the ACK")
}

// A Silence is that of both hosts of a connection, on which a finding rests: by Until, one of them must
// have been seen again, in this connection or another, if anybody is seen from From on. A host is an address with a TTL.
type Silence struct {
	End         [2]reassembly.Endpoint
	TTL         [2]uint8
	From, Until int64  // nanoseconds since 1970
	Stopped     bool   // the sender of the first segment of the evidence should have sent more by Until: see StillSends
	Up          string // the cause if it did in other connections; empty if that is what it is otherwise
}

// NewSilence is that of the connection's hosts: of a host that still is in the capture, something is seen by then.
func NewSilence(v fsm.View, from, until int64) *Silence {
	s := &Silence{From: from, Until: until}
	for side := range reassembly.Side(2) {
		s.End[side], s.TTL[side] = v.Endpoint(side), v.Last(side).TTL
	}
	return s
}

// Vanished makes a finding undecided that rests on a silence (Silence is not nil): the trace shows nothing
// of either host after last, in any connection, though it goes on with others. Engines call it as they call
// SentElsewhere.
func (f *Finding) Vanished(last int64) {
	anchor := &f.Evidence[0]
	after := fmt.Sprintf("after frame %d", anchor.Seg.Frame)
	if later := last - f.Start; later >= int64(time.Millisecond) {
		after = fmt.Sprintf("later than %s after frame %d", Span(later), anchor.Seg.Frame)
	}
	f.Scope = WholeCapture
	f.Undecide(fmt.Sprintf("the capture holds no TCP segment of either host %s, in any connection, though it goes on with others: it may be several captures put over each other, "+
		"of which the one with these hosts ended, or both may have left this network", after))
}

// Unreached says of a host whose segments were not answered (Unanswered is set) that no answer of anybody arrived at it in that time,
// though it sent a host of another network something again, too, with which it was connected. A SYN is unanswered all the same; that an established
// connection is, shows nothing of the peer. Engines call it as they call SentElsewhere.
func (f *Finding) Unreached(host reassembly.Endpoint) {
	const vain = "though it sent a host of another network something again, too, with which it was connected"
	f.Scope = WholeCapture
	if !f.Unheard {
		f.Undecide("meanwhile, no answer over TCP arrived at the sender's address from anybody, " + vain + ": its own address or its access to the network may have failed, or something near it may drop TCP")
		return
	}
	f.Fault = FaultUnknown
	f.Message += fmt.Sprintf(" Meanwhile, no answer over TCP arrived at %v from anybody, %s.", host.AddrPort().Addr(), vain)
	f.Cause = "The client's own address or its access to the network seems to have failed: its address or prefix has changed, its interface or router is down, or something near it drops TCP."
	f.Action = "Look at the client's addresses, routes and access, not at this server."
}

// Lossless is the time in which the capture must not have missed a frame of these hosts, if a finding rests on one
// frame not having come.
type Lossless struct {
	End      [2]reassembly.Endpoint
	Both     bool  // only connections of these two with each other count: where the time is long
	From, To int64 // nanoseconds since 1970
}

// lossSlack is how far from the time in which a frame is missing the capture may have missed others with it,
// in nanoseconds: a capture that cannot keep up does not for seconds.
const lossSlack = int64(2 * time.Second)

// NewLossless is that of the connection.
func NewLossless(v fsm.View, both bool, from, to int64) *Lossless {
	return &Lossless{End: [2]reassembly.Endpoint{v.Endpoint(reassembly.A), v.Endpoint(reassembly.B)}, Both: both, From: from - lossSlack, To: to + lossSlack}
}

// MissedFrames makes a finding undecided that rests on a frame not having come (Lossless is not nil): within that
// time, another connection of these hosts acknowledges what was not captured. Engines call it as they call
// SentElsewhere; frame is that of the acknowledgment, or 0 if there are too many of them to be remembered.
func (f *Finding) MissedFrames(frame uint32) {
	f.Scope = WholeCapture
	if frame == 0 {
		f.Undecide("holes: the capture misses frames throughout, and what is said to be missing may be one of them")
		return
	}
	f.Undecide(fmt.Sprintf("holes: at that time, the capture missed frames of these hosts: a segment of another connection acknowledges bytes that it does not have (frame %d). "+
		"What is said to be missing may have been lost with them", frame))
}

// Damaged makes a finding undecided that rests on frames of a file whose bytes are damaged.
func (f *Finding) Damaged() {
	f.Undecide("the capture is damaged, as the checksums of IPv4 headers show: what looks like a fault may be a byte that nobody sent so")
}

// Made makes a finding undecided that rests on segments which a program made.
func (f *Finding) Made() {
	f.Undecide("all segments of the capture, of several hosts, have the same IP ID, as no hosts number them: a program made them, and what looks like a fault may be how it did")
}

// Unordered makes a finding undecided that rests on frames of a file that is not in order of time.
func (f *Finding) Unordered() {
	f.Undecide("the capture is not in order of time, as its times go back and forth: they do not show what came first, nor how long anything took")
}

// Untimed makes a finding undecided that rests on frames of a file all of whose packets have the same time.
func (f *Finding) Untimed() {
	f.Undecide("time-unknown: all packets of the capture have the same time, so that it does not show how long anything took")
}

// Batched makes a finding undecided that rests on a short time (Delay) in a file whose times come in batches, so far apart in nanoseconds.
func (f *Finding) Batched(every int64) {
	f.Undecide(fmt.Sprintf("batched: the times of the capture come in batches, about %s apart, so that it does not show how long something took that was not much longer", Span(every)))
}

// Unproven is the time of which the capture must not lack any part, or else the finding says too much: by itself, of
// an absence, from its last evidence on. It is empty if there is none.
func (f *Finding) Unproven() (from, to int64) {
	switch {
	case f.During[1] != 0:
		return f.During[0], f.During[1]
	case f.Late != nil:
		return f.Late.Start, f.Late.End
	case f.Absence == NoAbsence:
		return 0, 0
	}
	from = f.Start
	for i := range f.Evidence {
		from = max(from, f.Evidence[i].Seg.At)
	}
	return from, f.End
}

// Unrecorded makes a finding undecided of whose time (Unproven) the capture lacks a part of that length, because it was
// interrupted. Engines call it as they call SentElsewhere.
func (f *Finding) Unrecorded(length int64) {
	f.Scope = WholeCapture
	f.Undecide(fmt.Sprintf("the capture was interrupted meanwhile: it has no frame of anybody for %s, and what it does not have may have been sent then", Span(length)))
}

// An Outage is a time in which nothing answered what From sent to To: what came back afterwards does not show why.
type Outage struct {
	From, To   reassembly.Endpoint
	Start, End int64  // nanoseconds since 1970
	Frame      uint32 // in which To answered it in the end; 0 if it did not
}

// Covers reports whether the hosts are those of x, and nothing answered during all of it either.
func (o *Outage) Covers(x *Outage) bool {
	return o.Frame != 0 && o.From.Addr == x.From.Addr && o.To.Addr == x.To.Addr && o.Start <= x.Start && o.End > x.End
}

// CutOff makes a finding undecided that rests on nothing of Outage having arrived (it is set): another connection of the two hosts, which
// was unanswered at the same time, was answered afterwards. Engines call it as they call SentElsewhere; o is that of the other.
func (f *Finding) CutOff(o *Outage) {
	f.Scope = OtherConnection
	f.Undecide(fmt.Sprintf("at the same time, nothing answered another connection of the two hosts either, until that was acknowledged (frame %d): the path was down for a while. "+
		"Since then, this FIN was not sent again, and may yet arrive", o.Frame))
}

// Stalled makes a finding undecided that says how late a host answered (Late is set): another host answered the same one as late at that
// time. Engines call it as they call SentElsewhere; frame is that of the answer, and scope says whether a finding is about that.
func (f *Finding) Stalled(frame uint32, scope Scope) {
	f.Scope = scope
	f.Undecide(fmt.Sprintf("at that time, the answer of another host came late, too (frame %d): the link of the host that waited, or the capture, may have stood still", frame))
}

// OfFTP makes a finding undecided that says what is in order on a data connection of FTP (MayBeData is set): the trace has a
// control connection of the same hosts. Engines call it as they call SentElsewhere; many says that so many hosts have one that these two may.
func (f *Finding) OfFTP(many bool) {
	f.Scope = WholeCapture
	if many {
		f.Undecide("very many hosts have control connections of FTP in this capture, perhaps these two: this may be a data connection, of an empty directory or file")
		return
	}
	f.Undecide("the two hosts have a control connection of FTP in this capture: this may be a data connection, of an empty directory or file")
}

// RelayedElsewhere makes such a finding undecided where other connections of the same client show that a NAT or a
// proxy, whose packets have the same TTL, acknowledges for its servers. Engines call it as they call SentElsewhere.
func (f *Finding) RelayedElsewhere() {
	f.Fault, f.Scope = FaultUnknown, WholeCapture
	f.Undecide("a NAT or proxy acknowledges for the servers of this client, as others of its connections show: their handshakes took ten times as long as their ACKs, and more. " +
		"The side that did not close may never have received the FIN")
}

// Relayed says that one device, whose packets have that TTL, seems to answer for the server, on
// whose behaviour the finding rests, and for all others of the capture. Engines call it as they
// call SentElsewhere.
func (f *Finding) Relayed(server reassembly.Endpoint, ttl uint8) {
	if !f.Fault.NamesHost() {
		return
	}
	f.Fault, f.Scope = FaultUnknown, WholeCapture
	f.Message += fmt.Sprintf(" All public addresses in this capture accept connections with TTL %d and the same MSS: one device nearby (a VPN, NAT or proxy) seems to answer for them, "+
		"so this may not be %v's doing.", ttl, server)
}

// Translated makes a finding undecided that rests on an absence: the same connection was also
// captured between a and b, before or after address translation, and there the subject sent
// what is missing here. Engines call it as they call SentElsewhere; frame is the last of that.
func (f *Finding) Translated(a, b reassembly.Endpoint, frame uint32) {
	who := a
	if f.Subject == reassembly.B {
		who = b
	}
	f.Scope = OtherConnection
	f.Undecide(fmt.Sprintf("translated: the same connection was also captured between %v and %v, where an address is translated, and there %v sent more (last in frame %d): "+
		"that was not translated back", a, b, who, frame))
}

// OfScan says of a refusal (Refusal is set) that it is one of a port scan: so many ports of the same host refused the client,
// of which it tried each once or a few times; or of a SYN that got no answer, or an ICMP error (Tried is set), that they did. A closed port is
// right to do so, and nobody misses a service there. Often is how many tries of one port are too many for the scan: more than twice as many as half of the ports got.
// Engines call it as they call SentElsewhere.
func (f *Finding) OfScan(client reassembly.Endpoint, ports, often int) {
	does, mostly := ofPorts, "."
	if f.Flood = often > 2*mostTries+1; f.Flood {
		does, mostly = "One client asks many ports of a host, at least half of them more than ten times: a flood, a test tool, or a scan in many rounds. ", ", and more than ten for at least half of them."
	}
	f.ofScan(does, "refused_ports", ports, fmt.Sprintf("%v: a RST came for at least %d ports of that host%s", client.AddrPort().Addr(), ports, mostly),
		"A closed port answers a SYN with a RST (RFC 9293 3.10.7.1); a NAT or a proxy may send one when its own attempt fails; a firewall may refuse it by ICMP, or drop it.", "Nothing is known to be wrong with the host.")
}

// mostTries is how often a port scanner tries a port that answers, and more: Nmap does so once in each scan.
const mostTries = 10

// ScanOrFlood names what it is part of, if it is part of a port scan.
func (f *Finding) ScanOrFlood() string {
	if f.Flood {
		return "a port scan or a flood"
	}
	return "a port scan"
}

// OfSweep says of such a refusal, or of a SYN that got no answer, or an ICMP error, that so many addresses refused the client at the same port, and that
// it tried each once or a few times. Something before the hosts may have answered for them.
func (f *Finding) OfSweep(client reassembly.Endpoint, port uint16, hosts int) {
	f.ofScan("One client tries a port of many hosts, to see where it is open. ", "refusing_hosts", hosts,
		fmt.Sprintf("%v, a sweep of port %d: a RST came from each of %d addresses.", client.AddrPort().Addr(), port, hosts),
		"A closed port answers a SYN with a RST (RFC 9293 3.10.7.1); a firewall may refuse it by ICMP, or drop it.", "Nothing is known to be wrong with the hosts.")
}

// OfTries says the same of a SYN that got no answer, or an ICMP error (Tried is set).
func (f *Finding) OfTries(client reassembly.Endpoint, ports int) {
	f.ofScan(ofPorts, "unanswered_ports", ports, fmt.Sprintf("%v: %d ports of that host gave no answer, or only ICMP errors.", client.AddrPort().Addr(), ports),
		"The host, or a firewall, drops what it does not want, or refuses it by ICMP; or there is no such host.", "Nothing is known to be wrong with the host.")
}

// OfOneISN says of a refusal, or of a SYN that got no answer (Refusal or Tried is set), that so many ports of the host were sent SYNs
// with the same port and ISN. Engines call it as they call SentElsewhere.
func (f *Finding) OfOneISN(client reassembly.Endpoint, ports int) {
	f.ofScan(ofPorts, "scanned_ports", ports, fmt.Sprintf("%v: SYNs to %d ports of that host come from one port and have the same initial sequence number. "+
		"A TCP chooses one for each connection (RFC 9293 3.4.1): a program wrote these.", client.AddrPort().Addr(), ports),
		"A closed port answers a SYN with a RST (RFC 9293 3.10.7.1); a firewall refuses it by ICMP, or drops it.", "Nothing is known to be wrong with the host.")
}

const ofPorts = "One client tries many ports of a host, to see which are open. "

// ofScan is what they have in common: what the client does, by whom, why a host does that, and what that says of it are sentences.
func (f *Finding) ofScan(does, metric string, n int, by, why, innocent string) {
	f.Severity, f.Fault, f.Scope = Info, FaultUnknown, WholeCapture
	f.Measure(metric, n)
	f.Message += " This is part of " + f.ScanOrFlood() + " by " + by
	f.Cause = does + why
	f.Action = innocent + " Find out whether the scan was meant to be (an inventory, a test of security), and who runs it."
}
