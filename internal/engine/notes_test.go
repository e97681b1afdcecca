package engine

import (
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// What the capture hides is noted once, where enough of it shows.
func TestNotes(t *testing.T) {
	const ack = reassembly.ACK
	mss := reassembly.Options{Has: reassembly.HasMSS, MSS: 1460}
	handshake := func(f *feeder) {
		f.give(false, reassembly.Segment{Flags: reassembly.SYN, Window: 1000, Opts: mss})
		f.give(true, reassembly.Segment{Ack: 1, Flags: reassembly.SYN | ack, Window: 1000, Opts: mss})
		f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: ack, Window: 1000})
	}
	for name, play := range map[string]func(f *feeder){
		"": func(f *feeder) {
			handshake(f)
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 1460, Flags: ack, Window: 1000})
			f.give(true, reassembly.Segment{Seq: 1, Ack: 1461, Flags: ack, Window: 1000})
		},
		"offload": func(f *feeder) {
			handshake(f)
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 1461, Flags: ack, Window: 1000})
		},
		"one-sided": func(f *feeder) {
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 10, Flags: ack, Window: 1000})
		},
		"lossy": func(f *feeder) {
			handshake(f)
			f.give(true, reassembly.Segment{Seq: 1, Ack: 1461, Flags: ack, Window: 1000})
		},
		"doubled": func(f *feeder) {
			handshake(f)
			f.position-- // the same IP ID
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: ack, Window: 1000})
		},
		"filtered": func(f *feeder) {
			for n := range reassembly.Seq(5) {
				f.give(n%2 == 0, reassembly.Segment{Seq: 1 + 10*((n+1)/2), Ack: 1 + 10*(n/2), Len: 10, Flags: ack, Window: 1000})
			}
		},
		"cut": func(f *feeder) {
			handshake(f)
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Len: 10, Flags: ack, Window: 1000, Opts: reassembly.Options{Has: reassembly.OptionsCut}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeeder()
			play(f)
			if notes := names(f, f.position); name != "" && !slices.Contains(notes, name) || name == "" && len(notes) > 0 {
				t.Errorf("noted: %s", strings.Join(notes, ", "))
			}
			for range 300 { // connections without any of it
				f.client++
				handshake(f)
			}
			if notes := names(f, f.position); len(notes) > 0 {
				t.Errorf("noted though it is rare: %s", strings.Join(notes, ", "))
			}
		})
	}
}

func names(f *feeder, segments uint64) (names []string) {
	before := f.counts
	defer func() { f.counts = before }()
	end := int64(f.position) * 1e6
	r, _ := assemble(f.options, &stats.Trace{First: 1, Last: end, End: end, Segments: segments}, []*partition{f.partition}, []result.Capture{{}})
	for _, n := range r.Notes {
		names = append(names, n.Name)
	}
	return names
}
