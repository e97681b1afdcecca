package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// parseFlow reads the value of --flow: a number, or A:PORT-B:PORT.
func parseFlow(value string) (*engine.Follow, error) {
	if id, err := strconv.ParseUint(value, 10, 64); err == nil && id > 0 {
		return &engine.Follow{ID: id}, nil
	}
	one, other, _ := strings.Cut(value, "-")
	lo, err1 := parseEndpoint(one)
	hi, err2 := parseEndpoint(other)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("--flow %q: want a connection's number as --flows prints it, or A:PORT-B:PORT ([A]:PORT-[B]:PORT in IPv6)", value)
	}
	return &engine.Follow{Key: reassembly.Key{Lo: lo, Hi: hi}}, nil
}

// follow has the engine tell the connection of --flow.
func (c *command) follow(o *engine.Options, form *format) error {
	follow, err := parseFlow(c.flags.flow)
	if err != nil {
		return err
	}
	o.Follow = follow
	if form.name == "scenario" {
		c.paste = newPaste(nil)
		follow.Successors, follow.Turn = true, c.paste.add
	} else {
		c.kept = new(turns)
		follow.Turn = c.kept.add
	}
	return nil
}

// turns are those that were kept of the connection of --flow. If telling frames
// in the middle of a long one are not among them, the files are read again.
func (c *command) turns(ctx context.Context, r *result.Report, o *engine.Options) []result.Turn {
	missing := c.kept.missing(r)
	if len(missing) == 0 {
		return c.kept.all()
	}
	k := turns{marked: missing}
	if _, err := c.again(ctx, *o, &engine.Follow{Conns: map[uint64]bool{r.Flows[0].Conn: true}, Turn: k.add}); err != nil {
		c.warn("telling frames in the middle of this long connection are left out: " + err.Error())
		return c.kept.all()
	}
	return k.all()
}

func parseEndpoint(s string) (reassembly.Endpoint, error) {
	ap, err := netip.ParseAddrPort(s)
	return reassembly.EndpointFrom(ap), err
}

// What is kept of a long connection: its first turns and its last, and what
// surrounds the marked frames.
const (
	keepHead   = 1 << 10
	keepTail   = 1 << 16
	keepAround = 3
)

// turns keeps what is worth telling of one connection.
type turns struct {
	marked map[frame]bool
	head   []result.Turn
	around []result.Turn
	tail   []result.Turn // a ring, once it is full
	next   int           // in tail
	due    int           // how many more belong to the last mark
}

// A frame is a frame's name in all inputs.
type frame struct {
	file   uint16
	number uint32
}

func frameOf(seg *reassembly.Segment) frame { return frame{seg.File, seg.Frame} }

func (k *turns) add(t result.Turn) {
	if len(k.head) < keepHead {
		k.head = append(k.head, t)
		return
	}
	if k.marked[frameOf(&t.Seg)] {
		k.around = append(k.around, k.latest(keepAround)...)
		k.due = keepAround + 1
	}
	if k.due > 0 {
		k.due--
		k.around = append(k.around, t)
	}
	if len(k.tail) < keepTail {
		k.tail = append(k.tail, t)
		return
	}
	k.tail[k.next] = t
	k.next = (k.next + 1) % keepTail
}

// latest are the last n of the tail.
func (k *turns) latest(n int) []result.Turn {
	var last []result.Turn
	for i := min(n, len(k.tail)); i > 0; i-- {
		last = append(last, k.tail[(k.next-i+len(k.tail))%len(k.tail)])
	}
	return last
}

// all are the turns that were kept, each once and in order.
func (k *turns) all() []result.Turn {
	kept := slices.Concat(k.head, k.around, k.tail)
	slices.SortFunc(kept, func(a, b result.Turn) int { return cmp.Compare(a.N, b.N) })
	return slices.CompactFunc(kept, func(a, b result.Turn) bool { return a.N == b.N })
}

// missing are the telling frames that were not kept.
func (k *turns) missing(r *result.Report) map[frame]bool {
	missing := map[frame]bool{}
	for i := range r.Findings {
		for j := range r.Findings[i].Evidence {
			missing[frameOf(&r.Findings[i].Evidence[j].Seg)] = true
		}
	}
	for _, t := range k.all() {
		delete(missing, frameOf(&t.Seg))
	}
	return missing
}

// single leaves only the followed connection in the report.
func (c *command) single(r *result.Report, follow *engine.Follow) error {
	var flows []result.Flow
	c.rows = r.Flows
	for _, f := range r.Flows {
		if f.TCB != nil {
			flows = append(flows, f)
			break
		}
	}
	if flows == nil {
		return fmt.Errorf("--flow %s: there is no such connection among the %d of this trace (see --flows)", c.flags.flow, r.Totals.Flows)
	}
	if follow.ID != 0 && flows[0].ID != follow.ID {
		c.warn(fmt.Sprintf("connections were dropped to stay within --max-flows; number %d of all is number %d of those left", follow.ID, flows[0].ID))
	}
	if len(follow.Same) > 0 {
		c.warn(fmt.Sprintf("connection %d is the first of several with these endpoints; the next are %s", flows[0].ID, strings.Trim(fmt.Sprint(follow.Same), "[]")))
	}
	var findings []result.Finding
	for _, f := range r.Findings {
		if f.Flow.ID == flows[0].ID {
			f.Flow = &flows[0]
			findings = append(findings, f)
		}
	}
	r.Flows, r.Findings = flows, findings
	return nil
}
