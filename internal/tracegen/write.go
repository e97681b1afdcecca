package tracegen

import (
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// epoch is when a trace begins.
var epoch = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// Write writes the trace of a spec and returns what is in it. It fails if w does, if
// the spec is invalid, or if the trace would end before its planted faults can be
// proved (use more frames, or fewer flows or faults).
func Write(w io.Writer, spec Spec) (Truth, error) {
	spec, err := spec.filled()
	if err != nil {
		return Truth{}, err
	}
	t := newTrace(w, spec)
	for t.advance() {
	}
	return t.finish()
}

// A trace is a capture while it is written.
type trace struct {
	spec   Spec
	pace   pace
	rng    *rand.Rand
	out    *pcapWriter
	agenda agenda
	conns  []conn // the planted faults first
	flood  flood
	begun  int64 // connections
	seen   int64 // of these, by the tap
	left   int64 // frames that the connections may still send
	first  int64 // time of the first frame, from the epoch
	last   int64
	now    int64
}

func newTrace(w io.Writer, spec Spec) *trace {
	t := &trace{
		spec:  spec,
		pace:  spec.pace(),
		rng:   rand.New(rand.NewPCG(spec.Seed, 0x7472616365)),
		out:   newPcapWriter(w, spec.Snap, spec.Nanos),
		left:  spec.Frames,
		first: never,
	}
	faults := spec.Faults * int(faultKinds-1)
	t.conns = make([]conn, faults+spec.Flows)
	for i := range t.conns {
		c := &t.conns[i]
		c.rng = t.rng
		if i < faults {
			// All in the first second, because they need time.
			t.begin(c, t.rng.Int64N(1e9))
			c.plant(fault(1 + i%int(faultKinds-1)))
		} else {
			// As in a connection pool that was filled before: all open soon,
			// and become busy one after the other.
			t.begin(c, int64(t.pace.duration/10*t.rng.Float64()))
			c.plan.warmup = int64(t.pace.lifetime * t.rng.Float64())
		}
		t.agenda.add(c.next(), i)
	}
	t.flood = newFlood(spec, t.pace, t.rng)
	t.agenda.add(t.flood.next(), len(t.conns))
	return t
}

// begin prepares a new connection, which opens at a time.
func (t *trace) begin(c *conn, at int64) {
	v6 := t.spec.IPv6 > 0 && t.rng.IntN(t.spec.IPv6) == 0
	of := plans
	if t.spec.Web {
		of = pages
	}
	c.start(t.begun, v6, of, t.pace, at)
	if t.spec.Loss > 0 {
		c.link.loss = t.spec.Loss
	}
	t.begun++
}

// advance does what is next on the agenda. It returns false at the end of the
// trace.
func (t *trace) advance() bool {
	due := t.agenda.first()
	if due.at == never || t.out.err != nil {
		return false
	}
	t.now = due.at
	if due.actor == len(t.conns) {
		from, to, g := t.flood.step()
		t.write(from, to, g)
		t.agenda.postpone(t.flood.next())
		return true
	}
	t.agenda.postpone(t.play(&t.conns[due.actor]))
	return true
}

// play plays one event of a connection. It returns the time of the next one, or of
// the first one of the next connection.
func (t *trace) play(c *conn) int64 {
	if t.left == 0 {
		return never
	}
	if g := c.step(t.now); g != nil {
		if !c.seen {
			c.seen = true
			t.seen++
		}
		t.left--
		t.write(&c.end[c.side], &c.end[c.side^1], g)
	}
	at := c.next()
	if at == never && c.fault == healthy {
		t.begin(c, t.now+int64(t.pace.lifetime/20*t.rng.ExpFloat64()))
		at = c.next()
	}
	return at
}

func (t *trace) write(from, to *end, g *segment) {
	t.first, t.last = min(t.first, t.now), t.now
	t.out.write(epoch.UnixNano()+t.now, from, to, g)
}

// finish closes the file and lists the faults.
func (t *trace) finish() (Truth, error) {
	t.out.flush()
	if t.out.err != nil {
		return Truth{}, fmt.Errorf("tracegen: %w", t.out.err)
	}
	truth := Truth{
		Frames:      t.out.frames,
		Connections: t.seen + t.flood.connections(),
		Bytes:       t.out.bytes,
		First:       epoch.Add(time.Duration(t.first)),
		Last:        epoch.Add(time.Duration(t.last)),
	}
	for i := range t.conns[:t.spec.Faults*int(faultKinds-1)] {
		c := &t.conns[i]
		if c.provableAt > t.last {
			return truth, fmt.Errorf("tracegen: a trace of %.1f s ends before its planted %s can be proved",
				float64(t.last)/1e9, planted[c.fault].detector)
		}
		truth.Faults = append(truth.Faults, c.truth())
	}
	return truth, nil
}
