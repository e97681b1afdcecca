package capture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"

	"github.com/tcptrace-go/tcptrace/internal/packed"
)

// IsSplit reports whether the inputs are shards: parts of a trace that was
// split. What is told of its files, its times and its end is then of the captures
// that it was read from.
func (t *Trace) IsSplit() bool { return t.split }

// Start is the time of the first frame of a trace that was split, which need not
// be in these shards.
func (t *Trace) Start() int64 {
	for p := range t.parts {
		return p.Start
	}
	return 0
}

// parts are those of the shards that are judged.
func (t *Trace) parts(yield func(*part) bool) {
	for _, m := range t.members {
		if m.err == nil && m.file != nil && m.file.part != nil && !yield(m.file.part) {
			return
		}
	}
}

// alike leaves out what cannot be judged together with the first input: shards
// of another trace, shards named twice, captures beside shards.
func (t *Trace) alike(found []*member) []*member {
	var first *member
	seen := map[uint32]*member{}
	for _, m := range t.members {
		switch {
		case m.err != nil:
		case first == nil:
			first = m
		default:
			m.unlike(first)
		}
		if m.err != nil || m.file.part == nil {
			continue
		}
		p := m.file.part
		if twin := seen[p.Shard]; twin != nil {
			m.err = fmt.Errorf("%s: is left out: it is the same shard as %s", m.name, twin.name)
		}
		seen[p.Shard] = cmp.Or(seen[p.Shard], m)
	}
	t.split = first != nil && first.file.part != nil
	for _, m := range t.members {
		if m.err != nil && m.file != nil {
			m.file.Close()
			m.file = nil
		}
	}
	return slices.DeleteFunc(found, func(m *member) bool { return m.err != nil })
}

// unlike sets the error of an input that does not go with the first.
func (m *member) unlike(first *member) {
	p, q := m.file.part, first.file.part
	switch {
	case p == nil && q == nil:
	case p == nil:
		m.err = fmt.Errorf("%s: is left out: it is no shard, as %s is", m.name, first.name)
	case q == nil:
		m.err = fmt.Errorf("%s: is left out: it is a shard, and %s is not", m.name, first.name)
	case p.Split != q.Split || p.Of != q.Of:
		m.err = fmt.Errorf("%s: is left out: it is of another split than %s", m.name, first.name)
	}
}

// shared are the facts of the whole trace, nil if no shard has been read to its
// end.
func (t *Trace) shared() *packed.Facts {
	for p := range t.parts {
		if p.facts != nil {
			return p.facts
		}
	}
	return nil
}

// Facts are what the shards tell of their trace, so far; nil if they are none.
func (t *Trace) Facts() *packed.Facts {
	if !t.split {
		return nil
	}
	var f packed.Facts
	whole := t.shared()
	if whole != nil {
		f = *whole
		f.Packets, f.Segments, f.Skipped, f.Numbers = 0, 0, nil, nil
	}
	f.Start = t.Start()
	skipped := map[string]uint64{}
	for p := range t.parts {
		if p.facts == nil {
			p.cut(&f, whole == nil)
			continue
		}
		f.Packets += p.facts.Packets
		f.Segments += p.facts.Segments
		f.Numbers = append(f.Numbers, p.facts.Numbers...)
		for _, s := range p.facts.Skipped {
			skipped[s.Name] += s.N
		}
	}
	for _, name := range slices.Sorted(maps.Keys(skipped)) {
		f.Skipped = append(f.Skipped, packed.Count{Name: name, N: skipped[name]})
	}
	slices.Sort(f.Cuts)
	slices.SortFunc(f.Numbers, func(a, b packed.Number) int { return cmp.Compare(a.Position, b.Position) })
	return &f
}

// cut adds a part whose rest is missing. Where no other tells of the trace,
// nothing can be said to be absent after an hour of silence either.
func (p *part) cut(f *packed.Facts, alone bool) {
	f.Packets += p.segments
	f.Segments += p.segments
	if p.segments == 0 {
		return
	}
	f.Cuts = append(f.Cuts, p.last)
	if !alone {
		return
	}
	for _, g := range p.gaps {
		f.Cuts = append(f.Cuts, g.From)
	}
	if f.First == 0 || p.first < f.First {
		f.First = p.first
	}
	f.Last = max(f.Last, p.last)
	f.End = f.Last
}

// captures are the files that were split, and the shards with which something is
// wrong.
func (t *Trace) captures(shards []Info) (infos []Info) {
	if f := t.shared(); f != nil {
		for i := range f.Captures {
			infos = append(infos, infoOf(&f.Captures[i]))
		}
	} else {
		for p := range t.parts {
			for _, name := range p.names {
				infos = append(infos, Info{File: name})
			}
			break
		}
	}
	for _, s := range shards {
		if len(s.Warnings) > 0 {
			infos = append(infos, s)
		}
	}
	return infos
}

func infoOf(c *packed.Capture) Info {
	i := Info{
		File: c.File, Format: c.Format, Compression: c.Compression, Packets: c.Packets, Bytes: c.Bytes,
		First: c.First, Last: c.Last, End: c.End, Drops: c.Drops, Warnings: slices.Clone(c.Warnings),
	}
	for _, l := range c.LinkTypes {
		i.LinkTypes = append(i.LinkTypes, LinkType(l))
	}
	return i
}

// ClockSteps are by how much the times of a file were shifted, for who splits the
// trace.
func (t *Trace) ClockSteps(file int) (steps []packed.Step) {
	if f := t.shared(); f != nil && file < len(f.Captures) {
		return f.Captures[file].Steps
	}
	if file < len(t.members) && t.members[file].file != nil {
		for _, s := range t.members[file].file.clock.steps {
			steps = append(steps, packed.Step{Frame: s.frame, Offset: s.offset})
		}
	}
	return steps
}

// rawTime is RawTime in a trace that was split.
func (t *Trace) rawTime(file uint16, frame uint32, at int64) int64 {
	steps := t.ClockSteps(int(file))
	i := sort.Search(len(steps), func(i int) bool { return steps[i].Frame > frame })
	if i == 0 {
		return at
	}
	return at - steps[i-1].Offset
}
