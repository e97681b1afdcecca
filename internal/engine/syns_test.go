package engine

import (
	"slices"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/resets"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

var syn = reassembly.Segment{Flags: reassembly.SYN, Window: 1000}

// ask has a new client send its SYN so many times.
func (f *feeder) ask(times int) {
	f.client++
	for range times {
		f.give(false, syn)
		f.position += 1000 // milliseconds
	}
}

// A capture of SYNs only, as a filter makes it, does not prove that one went
// unanswered.
func TestSYNs_only(t *testing.T) {
	for _, c := range []struct {
		name        string
		lone, asked int
		refused     bool
		want        detectors.Verdict
	}{
		{"a filter", 5, 5, false, detectors.Undecided},
		{"too few to say", 4, 1, false, detectors.Seen},
		{"a dead server", 5, 6, false, detectors.Seen},
		{"an answer", 50, 1, true, detectors.Seen},
	} {
		f := newFeeder()
		for range c.lone {
			f.ask(1)
		}
		if c.refused {
			f.ask(1)
			f.give(true, reassembly.Segment{Ack: 1, Flags: reassembly.RST | reassembly.ACK})
		}
		for range c.asked {
			f.ask(2)
		}
		f.position += 60_000
		end := int64(f.position) * 1e6
		r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
		n := 0
		for _, found := range r.Findings {
			if found.Detector == resets.ResetCause.Name { // the answer
				continue
			}
			n++
			if found.Detector != "syn-unanswered" || found.Verdict != c.want {
				t.Errorf("%s: %s is %v (%s), want %v", c.name, found.Detector, found.Verdict, found.Reason, c.want)
			}
		}
		if n != c.asked {
			t.Errorf("%s: %d findings, want %d", c.name, n, c.asked)
		}
	}
}

// A capture that lacks the SYN or the SYN-ACK of many handshakes does not prove that a SYN went unanswered.
func TestSYNs_halves(t *testing.T) {
	for _, c := range []struct {
		name                            string
		accepted, answered, whole, bare int
		want                            detectors.Verdict
	}{
		{"one in four, without SYN", 5, 0, 15, 0, detectors.Undecided},
		{"one in four, without SYN-ACK", 0, 5, 15, 0, detectors.Undecided},
		{"less than one in four", 5, 0, 16, 0, detectors.Seen},
		{"too few to say", 4, 0, 1, 0, detectors.Seen},
		{"others went unanswered", 4, 0, 1, 30, detectors.Seen},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFeeder()
			ack := reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 1000}
			for i := range c.accepted + c.answered + c.whole {
				f.client++
				if i >= c.accepted {
					f.give(false, syn)
				}
				if i < c.accepted || i >= c.accepted+c.answered {
					f.give(true, reassembly.Segment{Ack: 1, Flags: reassembly.SYN | reassembly.ACK, Window: 1000})
				}
				if i >= c.accepted {
					f.give(false, ack)
					f.give(true, ack)
				}
			}
			for range c.bare {
				f.ask(1)
			}
			f.ask(2)
			f.position += 60_000
			end := int64(f.position) * 1e6
			r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end}, []*partition{f.partition}, nil)
			for _, found := range r.Findings {
				if found.Detector == "syn-unanswered" && found.Verdict != c.want {
					t.Errorf("%v (%s), want %v", found.Verdict, found.Reason, c.want)
				}
			}
			if !slices.ContainsFunc(r.Findings, func(f result.Finding) bool { return f.Detector == "syn-unanswered" }) {
				t.Error("no finding")
			}
		})
	}
}

// watching is how many connections have watchers.
func (f *feeder) watching() (n int) {
	for _, fl := range f.flows.All() {
		if fl.Watchers != 0 {
			n++
		}
	}
	return n
}

// A flood of SYNs starts no watcher.
func TestSYNs_flood(t *testing.T) {
	f := newFeeder()
	for range 1000 {
		f.ask(1)
	}
	if n := f.watching(); n != 0 {
		t.Errorf("%d connections have watchers", n)
	}
}
