package taps

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// RewrittenBetween names what a middlebox changes in the headers.
var RewrittenBetween = &detectors.Detector{
	Name: "rewritten-between",
	Doc: detectors.Doc{
		Title: "TCP headers are rewritten between two capture points",
		What: "The same segments have other initial sequence numbers, options or flags at the second capture point. Translated addresses and ports alone are not reported, " +
			"but segments of such a connection that a device sent on with the addresses that they had.",
		Cause:   "A firewall that randomises sequence numbers, clamps the MSS or adds one where there was none, or removes options it does not know.",
		Action:  "Nothing, unless something else is wrong: removed window scaling limits the window to 64 kB, removed SACK slows down recovery, and rewritten sequence numbers break SACK where its blocks are not rewritten, too.",
		NotThis: "A proxy that terminates connections: no segment of one side is a segment of the other.",
		Peers:   "has no name for it.",
		Refs:    []string{"RFC 793 3.3", "RFC 2018", "RFC 7323"},
		Since:   "1.0",
	},
	Outcomes: []*detectors.Outcome{rewrittenNumbers, rewrittenOptions, untranslated},
}

var (
	rewrittenNumbers = &detectors.Outcome{Name: "sequence-numbers", Severity: detectors.Info, Fault: detectors.FaultPath, When: "initial sequence numbers are rewritten"}
	rewrittenOptions = &detectors.Outcome{Name: "options", Severity: detectors.Info, Fault: detectors.FaultPath, When: "options or flags are rewritten"}
	untranslated     = &detectors.Outcome{Name: "untranslated", Severity: detectors.Warning, Fault: detectors.FaultPath, When: "a segment passed with the addresses that it had, though those of its connection are translated: the peer does not know it",
		Cause:  "The device that translates addresses took the segment for invalid, or had forgotten the connection, and forwarded it all the same. Linux does that where no rule drops it.",
		Action: "Drop what conntrack takes for invalid (nft: ct state invalid drop), or let it be less strict (net.netfilter.nf_conntrack_tcp_be_liberal). Compare its timeouts with how long the connection was idle. Unless the peer was told in another segment, it keeps its end of the connection until its own timer ends it."}
)

// words are what a rewritten part is called.
var words = map[string]string{
	"isn": "initial sequence numbers", "mss": "the MSS", "scale": "window scaling", "sack": "SACK", "timestamps": "timestamps", "ecn": "ECN", "flags": "flags",
}

// options are those of the parts that one end of the path may have, and the other not.
var options = map[string]reassembly.OptionBits{
	"mss": reassembly.HasMSS, "scale": reassembly.HasScale, "sack": reassembly.HasSACKPermitted, "timestamps": reassembly.HasTimestamps,
}

// verb is what the path does to a part, as the first segment that both points saw shows it.
func (f *Facts) verb(name string) string {
	option, had, has := options[name], f.Opening[0].Opts.Has, f.Opening[len(f.Opening)-1].Opts.Has
	switch {
	case option&^had&has != 0:
		return "adds"
	case option&had&^has != 0:
		return "removes"
	}
	return "rewrites"
}

// Changed is what RewrittenBetween finds.
func (f *Facts) Changed() (found detectors.Finding, is bool) {
	if len(f.Opening) == 0 {
		return found, false
	}
	var parts []string
	verb := ""
	for _, name := range f.Rewritten {
		w := words[name]
		if w == "" {
			continue
		}
		if v := f.verb(name); v != verb {
			verb, w = v, v+" "+w
		}
		parts = append(parts, w)
	}
	if len(parts) == 0 {
		return found, false
	}
	outcome := rewrittenOptions
	if slices.Contains(f.Rewritten, "isn") {
		outcome = rewrittenNumbers
	}
	found = f.find(RewrittenBetween, outcome, sideOf(f, &f.Opening[0]), "seen at both capture points", f.Opening)
	found.Message = fmt.Sprintf("Between %s and %s, the path %s.", f.Taps[0], f.Taps[1], strings.Join(parts, ", "))
	return found, true
}

// Untranslated is what RewrittenBetween finds in one direction.
func (f *Facts) Untranslated(side reassembly.Side) (found detectors.Finding, is bool) {
	segs := f.Way[side].Untranslated
	if len(segs) == 0 {
		return found, false
	}
	found = f.find(RewrittenBetween, untranslated, side, "not translated", segs)
	found.Message = fmt.Sprintf("%d of %d segments of %v reached %s with the addresses that they had at %s, though those of the connection are translated between the two: %s. %v does not know them.",
		len(segs), f.Way[side].Sent, segs[0].Src, f.far(side), f.near(side), kinds(segs), f.End[side.Peer()])
	found.Metrics = []detectors.Metric{{Name: "untranslated", Value: len(segs)}, {Name: "sent", Value: int(f.Way[side].Sent)}}
	return found, true
}

// sideOf is the side that a segment claims to come from. Where addresses are
// translated, its port or address tells.
func sideOf(f *Facts, s *reassembly.Segment) reassembly.Side {
	if s.Src == f.End[reassembly.B] || s.Src.Addr == f.End[reassembly.B].Addr || s.Dst == f.End[reassembly.A] {
		return reassembly.B
	}
	return reassembly.A
}
