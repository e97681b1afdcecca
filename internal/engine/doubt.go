package engine

import (
	"fmt"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// Doubt makes what was said to be absent undecided if the trace as a whole shows
// that such things were left out of it, or that its clock was set, and accuses no
// server for which something else answers. Run and Analyze do so. It is for those who analysed
// connections apart (see Tuples), after Relate, once all of the trace has been counted.
func Doubt(findings []result.Finding, c *stats.Counts, trace *stats.Trace) {
	for i := range findings {
		f := &findings[i]
		doubt(f.Finding, f.FINRank, c)
		doubtClock(f.Finding, trace)
		spoiled(f.Finding, trace, c)
		unrecorded(f.Finding, trace)
		silent(f.Finding, &c.Hosts)
		up(f.Finding, &c.Hosts)
		lossless(f.Finding, &c.Holes)
		ofFTP(f.Finding, &c.FTP)
		scanned(f.Finding, &c.Scans)
		relayed(f.Finding, f.Flow, c)
	}
	all := func(yield func(*detectors.Finding) bool) {
		for i := range findings {
			if !yield(findings[i].Finding) {
				return
			}
		}
	}
	outages(all)
	stalls(all, c.Delays)
	heldUp(all, c.Delays)
	tries(all, &c.Scans)
	oneISN(all)
}

// relayed accuses no server if one device seems to answer for all, and nothing on which the finding rests came from further away.
func relayed(f *detectors.Finding, row *result.Flow, c *stats.Counts) {
	server, ttl := row.End[reassembly.B], c.Answers.First.TTL
	if f.Subject != reassembly.B || !c.Answers.OneDevice() || !stats.IsPublic(server) {
		return
	}
	for i := range f.Evidence {
		if e := &f.Evidence[i].Seg; e.Src == server && e.TTL != ttl {
			return
		}
	}
	f.Relayed(server, ttl)
}

// ofFTP makes undecided what is in order on a data connection of FTP, if the two hosts may have one.
func ofFTP(f *detectors.Finding, ftp *stats.FTP) {
	if f.MayBeData && f.Verdict == detectors.Seen && ftp.Between(f.Evidence[0].Seg.Src, f.Evidence[0].Seg.Dst) {
		f.OfFTP(ftp.Many)
	}
}

func doubt(f *detectors.Finding, finRank int, c *stats.Counts) {
	if l := hidden(f.Absence, finRank, c); l != 0 && f.Verdict == detectors.Seen {
		f.Limits, f.Scope = f.Limits|l, detectors.WholeCapture
		if f.Absence == detectors.NoDataAnswer && l == fsm.OneSided {
			f.Fault = detectors.FaultUnknown
			f.Undecide("one-sided: of nearly all servers, the capture holds nothing but SYN-ACKs, so the RST may answer an ACK of the data that was not captured")
		}
		if l == fsm.AcksFiltered && !c.HidesACKs(finRank) && !c.NoPureACKs() {
			f.Undecide(fmt.Sprintf("acks-filtered: of %d second FINs in the capture, none was acknowledged, so it may leave out such ACKs, as those of a phone's VPN do", c.FINs[1].Sent))
		}
		f.Doubt()
	}
	if f.Absence == detectors.NothingAfterFIN && finRank == 1 && f.Verdict == detectors.Seen { // as the ACKs of other second FINs are there
		f.Scope = detectors.WholeCapture
	}
	if f.Absence != detectors.NoAbsence && f.Verdict == detectors.Seen && c.HalfHandshakes() {
		f.Limits, f.Scope = f.Limits|fsm.Holes, detectors.WholeCapture
		f.Undecide(fmt.Sprintf("holes: of %d of %d handshakes, the capture holds only the SYN or only the SYN-ACK, so what seems to be absent may be missing like these", c.Halves, c.Halves+c.Handshakes))
	}
	if (f.Absence == detectors.NoFINAck || f.Absence == detectors.NothingAfterFIN) && f.Verdict == detectors.Seen && c.Fragments() {
		f.Limits, f.Scope = f.Limits|fsm.Holes, detectors.WholeCapture
		f.Undecide("holes: the capture holds only pieces of its connections, and of too few FINs the ACK (it is a sample, or lost most frames): the ACK of this one, or the FIN sent again, may be missing like others")
	}
}

// doubtClock makes undecided what did not come after a clock was set, if the connection
// itself did not go on: trace time does, but what follows may have been captured at any time.
// Files that were put behind each other look like that.
func doubtClock(f *detectors.Finding, trace *stats.Trace) {
	if f.Absence == detectors.NoAbsence || f.Verdict != detectors.Seen {
		return
	}
	latest := f.Start
	for i := range f.Evidence {
		latest = max(latest, f.Evidence[i].Seg.At)
	}
	if trace.ClockStepped(latest, f.End) {
		f.Limits, f.Scope = f.Limits|fsm.ClockStepped, detectors.WholeCapture
		f.Undecide("clock-stepped: the capture's clock was set meanwhile, so it is not known how long nothing came")
	}
}

// spoiled makes undecided what rests on frames of a file whose bytes are damaged, so that any field may be another, that a program made, that is not
// in order of time, or has no times.
func spoiled(f *detectors.Finding, trace *stats.Trace, c *stats.Counts) {
	switch file := f.Evidence[0].Seg.File; {
	case f.Verdict != detectors.Seen:
	case trace.Damaged(file):
		f.Damaged()
	case trace.Made(file):
		f.Made()
	case trace.Unordered(file):
		f.Unordered()
	case trace.Untimed():
		f.Untimed()
	case f.Delay > 0:
		if every := trace.BatchedEvery(file, c); f.Delay < fewBatches*every {
			f.Batched(every)
		}
	}
}

// fewBatches is between how many batches a time must lie, at least, for times that come in batches to show it.
const fewBatches = 3

// unrecorded makes undecided what rests on time in which the capture was interrupted. A connection of which nothing comes
// afterwards has ended there (Trace.KnownUntil); this one went on.
func unrecorded(f *detectors.Finding, trace *stats.Trace) {
	if f.Verdict != detectors.Seen {
		return
	}
	if g, is := trace.InterruptedIn(f.Unproven()); is {
		f.Unrecorded(g.To - g.From)
	}
}

// hidden is the limit for which a trace cannot prove what the detector finds
// absent: it shows acknowledgments of too few FINs of that rank, no pure ACK at all, or
// nothing but SYNs, or one direction.
func hidden(absent detectors.Absence, finRank int, c *stats.Counts) fsm.Limits {
	switch {
	case (absent == detectors.NoFINAck || absent == detectors.NothingAfterFIN) && c.HidesACKs(finRank):
		return fsm.AcksFiltered
	case absent == detectors.NothingAfterFIN && finRank == 1 && c.HidesLastACKs():
		return fsm.AcksFiltered
	case absent == detectors.NoSYNAnswer && (c.OnlySYNs() || c.OneWay()):
		return fsm.OneSided
	case absent == detectors.NoDataAnswer && c.OnlySYNACKs():
		return fsm.OneSided
	case absent != detectors.NoAbsence && absent != detectors.NoSYNAnswer && c.NoPureACKs():
		return fsm.AcksFiltered
	}
	return 0
}
