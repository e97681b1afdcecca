package wireshark

import (
	"cmp"
	"context"
	"fmt"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// DefaultMaxStates is at how many frames the states are shown, at most: a script of
// ten megabytes.
const DefaultMaxStates = 500_000

// Verdicts are what is to be shown at the frames of a capture.
type Verdicts struct {
	// Version is that of tcptrace.
	Version string
	// MaxStates is at how many frames the states are shown; evidence does not count.
	// 0 = DefaultMaxStates.
	MaxStates uint64
	// LeftOut is how many segments have no states because of that.
	LeftOut uint64

	report   *result.Report
	evidence map[result.FrameID][]proof
	troubled map[uint64]bool // connections with findings, by Flow.Conn
	reserved uint64          // segments of them still to come
	used     uint64
	steps    []step
	files    []file
}

// A proof is what a frame shows of a finding.
type proof struct {
	finding int // index of Report.Findings
	role    string
}

// A step is both states after a frame.
type step struct {
	result.FrameID
	bounded [2]bool
	state   [2]fsm.State
}

// A file is one input and the frames of it that show something.
type file struct {
	name string
	Identity
	total  uint32 // frames
	frames []shown
}

// shown is what a frame shows.
type shown struct {
	number uint32
	hash   uint32
	states [2]byte // client and server; see letter
	proofs []proof
}

// New returns the verdicts of a report, without states so far.
func New(r *result.Report) *Verdicts {
	v := &Verdicts{report: r, evidence: map[result.FrameID][]proof{}, troubled: map[uint64]bool{}}
	for i := range r.Findings {
		f := &r.Findings[i]
		for j := range f.Evidence {
			id := result.FrameOf(&f.Evidence[j].Seg)
			v.evidence[id] = append(v.evidence[id], proof{i, f.Evidence[j].Role})
		}
		v.reserve(f.Flow.Conn, f.Flow.Packets)
		for _, tap := range f.Flow.Taps {
			v.reserve(tap.Conn, tap.Packets)
		}
	}
	return v
}

// reserve keeps room for the states of a connection with a finding.
func (v *Verdicts) reserve(conn uint64, packets [2]uint64) {
	if !v.troubled[conn] {
		v.troubled[conn] = true
		v.reserved += packets[reassembly.A] + packets[reassembly.B]
	}
}

// Step adds the states at a frame, in order of the trace. If there are too many, those
// of connections with findings come first.
func (v *Verdicts) Step(s result.Step) {
	id := result.FrameOf(&s.Seg)
	limit, troubled := cmp.Or(v.MaxStates, DefaultMaxStates), v.troubled[s.Conn]
	if troubled && v.reserved > 0 {
		v.reserved--
	}
	fits := v.used < limit && (troubled || v.used+v.reserved < limit)
	if !fits && v.evidence[id] == nil {
		v.LeftOut++
		return
	}
	v.used++
	v.steps = append(v.steps, step{FrameID: id, state: s.State, bounded: s.Bounded})
}

// Arrange puts everything in order of the files. Side A of a connection is the client:
// it sent the SYN, or was seen first.
func (v *Verdicts) Arrange() {
	v.files = make([]file, len(v.report.Captures))
	for i := range v.files {
		v.files[i].name = v.report.Captures[i].File
	}
	add := func(id result.FrameID, s shown) {
		f := &v.files[id.File]
		s.number, s.proofs = id.Frame, v.evidence[id]
		f.frames = append(f.frames, s)
		delete(v.evidence, id)
	}
	for i := range v.steps {
		s := &v.steps[i]
		add(s.FrameID, shown{states: [2]byte{letter(s.state[reassembly.A], s.bounded[reassembly.A]), letter(s.state[reassembly.B], s.bounded[reassembly.B])}})
	}
	for id := range v.evidence { // such as what is evidence at another tap
		add(id, shown{states: [2]byte{unknown, unknown}})
	}
	v.steps = nil
	for i := range v.files {
		sorting.Stable(v.files[i].frames, func(a, b shown) int { return cmp.Compare(a.number, b.number) })
	}
}

// letter stands for a state in the script: lower case if it is bounded.
func letter(s fsm.State, bounded bool) byte {
	if bounded {
		return 'a' + byte(s)
	}
	return 'A' + byte(s)
}

const unknown = '-' // in place of a letter

// Recognise reads the trace once more, for the hashes by which the script recognises
// the frames. The first frame tells one file from another, and the last shows that it is
// the whole file: they are compared even if they show nothing.
func (v *Verdicts) Recognise(ctx context.Context, trace *capture.Trace) error {
	const checkEvery = 4096 // frames between two looks at the context
	hashes, next, content := make([]hash, len(v.files)), make([]int, len(v.files)), make([][]byte, len(v.files))
	var fr capture.Frame
	for n := 0; trace.Next(&fr) == nil; n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		h, f, i := &hashes[fr.File], &v.files[fr.File], &next[fr.File]
		if fr.Text {
			return fmt.Errorf("%s is text, and Wireshark opens captures: use the one that was printed", f.name)
		}
		h.frame(&fr, trace.RawTime(fr.File, fr.Num, fr.At))
		f.total = fr.Num
		content[fr.File] = append(content[fr.File][:0], fr.Data[:min(len(fr.Data), mostContent)]...)
		if fr.Num == 1 && (len(f.frames) == 0 || f.frames[0].number != 1) {
			f.frames = sorting.Insert(f.frames, 0, shown{number: 1, states: [2]byte{unknown, unknown}})
		}
		for check := hash(0); *i < len(f.frames) && f.frames[*i].number == fr.Num; *i++ {
			if check == 0 {
				check = hash(h.with(fr.Data))
			}
			f.frames[*i].hash = uint32(check)
		}
	}
	for i := range v.files {
		f := &v.files[i]
		if next[i] < len(f.frames) {
			return fmt.Errorf("%s has changed since it was analysed: frame %d is missing", f.name, f.frames[next[i]].number)
		}
		if n := len(f.frames); n > 0 && f.frames[n-1].number != f.total {
			f.frames = append(f.frames, shown{number: f.total, hash: hashes[i].with(content[i]), states: [2]byte{unknown, unknown}})
		}
	}
	return nil
}

// Identify says what the file of a number is, if it is one that can be read again.
func (v *Verdicts) Identify(file int, id Identity) { v.files[file].Identity = id }
