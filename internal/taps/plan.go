package taps

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// A Named is a tap that the user named, with its files.
type Named struct {
	Name  string
	Files []string
}

// Options say what is known of the inputs before they are read.
type Options struct {
	Named []Named
	Each  bool // the files have nothing to do with each other
	// Interfaces says that each interface of the files is a tap of the same connections.
	Interfaces bool
	// Suspected says that a file was analysed before, and looks like several captures.
	Suspected bool
	// Limit is how many segments of each capture are compared; 0 for the default.
	Limit int
}

// A Plan says which frames come from which capture point, and which capture points
// saw the same connections.
type Plan struct {
	points  []point
	scan    *scan
	unitTap []int             // point of each unit
	frames  map[uint16][]int8 // by file and frame number: the point, or leftOut, where units do not tell
	notes   []result.Note
	copies  []result.Tap // captures that count for nothing
	engine  engine.Points
	out     map[int]bool // units of which everything is left out
	divided map[int]*division
	Skip    map[string]bool // detectors of several taps that are not to be asked
	apart   bool            // the files have nothing to do with each other
}

// A point is one capture point.
type point struct {
	result.Tap
	files []uint16
	group int // taps of the same connections have the same; 0 for none
}

const leftOut = int8(-1)

// Recognise reads the trace, which it closes, and finds out where it was captured. It
// returns nil if it is one capture from one place.
func Recognise(ctx context.Context, trace *capture.Trace, names []string, o *engine.Options, to Options) *Plan {
	defer trace.Close()
	s := read(ctx, trace, o, to.Limit)
	b := builder{scan: s, Plan: &Plan{scan: s, frames: map[uint16][]int8{}, out: map[int]bool{}, divided: map[int]*division{}}, class: stats.Rotations(s.captures())}
	b.unitTap = make([]int, len(s.units))
	switch {
	case to.Each:
		b.each()
	case to.Interfaces && len(s.units) > 1:
		b.interfaces()
	case len(to.Named) > 0:
		b.named(to.Named, names)
	case len(s.units) > maxCompared:
		b.note("taps", fmt.Sprintf("%s are too many to compare with each other: captures of the same connections at several places are not recognised among them.",
			quantity.Count(uint64(len(s.units)), "capture")))
		b.add(result.Tap{}, 0)
		for file := range s.infos {
			b.points[0].files = append(b.points[0].files, uint16(file))
		}
	default:
		b.found()
	}
	for i := range s.units {
		s.units[i].printed = [2][]print{}
	}
	o.Coverage = stats.Coverages(s.captures(), b.class)
	if len(b.points) <= 1 && len(b.frames) == 0 && len(b.notes) == 0 {
		return nil
	}
	b.finish()
	return b.Plan
}

type builder struct {
	*Plan
	scan  *scan
	class []int // rotation of each file
}

// each makes a point of every file.
func (b *builder) each() {
	b.apart = true
	for file := range b.scan.infos {
		b.add(result.Tap{Name: b.scan.infos[file].File}, 0, uint16(file))
	}
	for i, u := range b.scan.units {
		b.unitTap[i] = int(u.file)
	}
}

func (b *builder) add(t result.Tap, group int, files ...uint16) int {
	for _, f := range files {
		t.Files = append(t.Files, b.scan.infos[f].File)
	}
	b.points = append(b.points, point{Tap: t, files: files, group: group})
	return len(b.points) - 1
}

// named makes a point of each tap that the user named. Its files are a rotation.
func (b *builder) named(taps []Named, names []string) {
	of := map[uint16]int{}
	next := 0
	for _, t := range taps {
		var files []uint16
		for range t.Files {
			files = append(files, uint16(next))
			next++
		}
		for _, f := range files {
			b.class[f] = len(names) + len(b.points)
			of[f] = len(b.points)
		}
		b.add(result.Tap{Name: t.Name, Recognised: "named", Reason: "named with --tap"}, 1, files...)
	}
	for file := next; file < len(names); file++ { // beside the taps
		of[uint16(file)] = b.add(result.Tap{Name: names[file]}, 0, uint16(file))
	}
	for i, u := range b.scan.units {
		b.unitTap[i] = of[u.file]
	}
	for i := range b.scan.units {
		for j := range i {
			if b.unitTap[i] == b.unitTap[j] {
				continue
			}
			if r, c := b.scan.relate(&b.scan.units[j], &b.scan.units[i]); r == samePlace {
				b.leaveOut(j, i, c.least)
			}
		}
	}
}

// interfaces makes a point of each interface.
func (b *builder) interfaces() {
	for i, u := range b.scan.units {
		b.unitTap[i] = b.add(result.Tap{Name: b.unitName(i), Recognised: "named", Reason: "named with -i"}, 1, u.file)
	}
}

const (
	// maxUnits is how many units are looked at for connections that go on in another.
	maxUnits = 64
	// maxCompared is how many units are compared with each other.
	maxCompared = 256
	// maxAlike is up to how many files whose names look like a rotation may be taps:
	// host1.pcap and host2.pcap.
	maxAlike = 4
)

// inClass is how many files a rotation has.
func (b *builder) inClass(class int) (n int) {
	for _, c := range b.class {
		if c == class {
			n++
		}
	}
	return n
}

// maxPoints is how many capture points are analysed by themselves.
const maxPoints = 32

// found makes points of what the units have to do with each other.
func (b *builder) found() {
	units := b.scan.units
	n := len(units)
	places := newSets(n)   // units that are one point
	together := newSets(n) // units whose points saw the same connections
	apart := map[[2]int]*comparison{}
	silent := map[[2]int]bool{}
	for i := range units {
		for j := range i {
			if class := b.class[units[i].file]; class == b.class[units[j].file] && units[i].file != units[j].file && b.inClass(class) > maxAlike {
				continue
			}
			switch r, c := b.scan.relate(&units[j], &units[i]); r {
			case otherPlace:
				apart[[2]int{j, i}] = c
				together.join(j, i)
			case samePlace:
				b.leaveOut(j, i, c.least)
				if c.max <= samePrecision && c.least >= -samePrecision || !b.rest(i) || !b.rest(j) {
					places.join(j, i)
				}
			case otherSilent:
				silent[[2]int{j, i}] = true
			}
		}
	}
	// The rest goes on where it left off: the interfaces of a file, the files of a
	// rotation, and files that share connections.
	clash := func(i, j int) bool {
		for pair := range apart {
			x, y := places.of(pair[0]), places.of(pair[1])
			if x == places.of(i) && y == places.of(j) || x == places.of(j) && y == places.of(i) {
				return true
			}
		}
		return false
	}
	for i := range units {
		for j := range i {
			u, v := &units[j], &units[i]
			same := u.file == v.file || b.class[u.file] == b.class[v.file]
			if !same && n <= maxUnits && !silent[[2]int{j, i}] {
				same = apart[[2]int{j, i}] == nil // unrelated, or going on
			}
			if same && !clash(j, i) {
				places.join(j, i)
			}
		}
	}
	at := map[int]int{}
	groups := map[int]int{}
	for i := range units {
		root := places.of(i)
		p, is := at[root]
		if !is {
			if len(b.points) == maxPoints {
				p = maxPoints - 1
			} else {
				group := 0
				for pair := range apart {
					if places.of(pair[0]) == root || places.of(pair[1]) == root {
						whole := together.of(pair[0])
						if groups[whole] == 0 {
							groups[whole] = len(groups) + 1
						}
						group = groups[whole]
					}
				}
				p = b.add(result.Tap{}, group)
			}
			at[root] = p
		}
		b.unitTap[i] = p
		if f := &b.points[p]; !slices.Contains(f.files, units[i].file) {
			f.files = append(f.files, units[i].file)
			f.Files = append(f.Files, b.scan.infos[units[i].file].File)
		}
	}
	for i := range units {
		b.doubled(i)
	}
	b.nameFound()
	for _, pair := range sortedPairs(apart) {
		c := apart[pair]
		for k, i := range pair {
			t := &b.points[b.unitTap[i]].Tap
			if t.Reason == "" {
				t.Reason = fmt.Sprintf("has %s in common with %s, at different times", quantity.Count(uint64(c.n), "segment"), b.unitName(pair[1-k]))
			}
		}
	}
	b.noteTaps()
	for pair := range silent {
		b.note("no common segment", fmt.Sprintf("%s and %s were captured at two places of the same connections, and share no segment: each is analysed by itself.",
			b.unitName(pair[0]), b.unitName(pair[1])))
		break
	}
}

func sortedPairs(m map[[2]int]*comparison) [][2]int {
	return slices.SortedFunc(maps.Keys(m), func(x, y [2]int) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) })
}

// noteTaps says which captures are taken for taps.
func (b *builder) noteTaps() {
	byGroup := map[int][]string{}
	var groups []int
	for i := range b.points {
		if g := b.points[i].group; g != 0 {
			if byGroup[g] == nil {
				groups = append(groups, g)
			}
			byGroup[g] = append(byGroup[g], b.points[i].Name)
		}
	}
	for _, g := range groups {
		names := byGroup[g]
		last := len(names) - 1
		b.note("taps", fmt.Sprintf("%s and %s hold the same segments at different times: they were captured at %d places on the path of the same connections. Each segment was sent once.",
			strings.Join(names[:last], ", "), names[last], len(names)))
	}
}

func (b *builder) note(name, message string) {
	b.notes = append(b.notes, result.Note{Name: name, Message: message})
}

// unitName is what a unit is called.
func (b *builder) unitName(i int) string {
	u := &b.scan.units[i]
	info := &b.scan.infos[u.file]
	name := b.short(u.file)
	if u.iface != 0 || len(info.Interfaces) > 1 {
		label := fmt.Sprintf("interface %d", u.iface)
		if int(u.iface) < len(info.Interfaces) && info.Interfaces[u.iface] != "" {
			label = info.Interfaces[u.iface]
		}
		if len(b.scan.infos) == 1 {
			return label
		}
		name += " " + label
	}
	return name
}

// short is the shortest ending of a file's path that no other input has.
func (b *builder) short(file uint16) string {
	full := filepath.ToSlash(b.scan.infos[file].File)
	name := path.Base(full)
	rest := strings.TrimSuffix(full, name)
	for {
		alike := 0
		for i := range b.scan.infos {
			other := filepath.ToSlash(b.scan.infos[i].File)
			if other == name || strings.HasSuffix(other, "/"+name) {
				alike++
			}
		}
		rest = strings.TrimSuffix(rest, "/")
		if alike <= 1 || rest == "" {
			return name
		}
		name = path.Base(rest) + "/" + name
		rest = strings.TrimSuffix(rest, path.Base(rest))
	}
}

// nameFound names the points that are taps.
func (b *builder) nameFound() {
	for i := range b.points {
		p := &b.points[i]
		if p.Name != "" {
			continue
		}
		for u := range b.scan.units {
			if b.unitTap[u] == i {
				p.Name = b.unitName(u)
				break
			}
		}
		if p.group != 0 {
			p.Recognised = "found"
		}
	}
}

// tapsFirst numbers the points anew: taps, by which segments are named, come first, in
// the order of the command line.
func (b *builder) tapsFirst() {
	order := make([]int, len(b.points))
	iface := make([]int, len(b.points)) // the first of each
	for i := range order {
		order[i], iface[i] = i, -1
	}
	for i, u := range b.scan.units {
		if p := b.unitTap[i]; u.file == slices.Min(b.points[p].files) && (iface[p] < 0 || int(u.iface) < iface[p]) {
			iface[p] = int(u.iface)
		}
	}
	slices.SortStableFunc(order, func(i, j int) int {
		x, y := &b.points[i], &b.points[j]
		if (x.group != 0) != (y.group != 0) {
			if x.group != 0 {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(slices.Min(x.files), slices.Min(y.files)), cmp.Compare(iface[i], iface[j]), cmp.Compare(i, j))
	})
	number := make([]int, len(b.points))
	var points []point
	for to, from := range order {
		number[from] = to
		points = append(points, b.points[from])
	}
	b.points = points
	for i := range b.unitTap {
		b.unitTap[i] = number[b.unitTap[i]]
	}
	for _, d := range b.divided {
		d.other = number[d.other]
		for side := range d.point {
			for l, p := range d.point[side] {
				d.point[side][l] = number[p]
			}
		}
	}
	for _, by := range b.frames {
		for i := range by {
			if by[i] > 0 {
				by[i] = int8(number[by[i]-1] + 1)
			}
		}
	}
}

// finish makes what the engine needs.
func (b *builder) finish() {
	b.tapsFirst()
	e := &b.Plan.engine
	e.N, e.Of = len(b.points), b.Plan.of
	total := 0
	for _, u := range b.scan.units {
		total += len(u.records)
	}
	if total > 0 {
		e.Conns = make([]uint32, b.scan.records[len(b.scan.records)-1].position)
	}
	for i := range b.points {
		p := &b.points[i]
		slices.SortFunc(p.files, func(x, y uint16) int { return cmp.Compare(b.scan.infos[x].First, b.scan.infos[y].First) })
		e.Files = append(e.Files, p.files)
		e.Alone = append(e.Alone, p.group == 0)
	}
}

// of is the point of a frame.
func (p *Plan) of(fr *capture.Frame) int {
	if by := p.frames[fr.File]; int(fr.Num) < len(by) && by[fr.Num] != 0 {
		if by[fr.Num] == leftOut {
			return -1
		}
		return int(by[fr.Num]) - 1
	}
	if u, is := p.scan.unitOf[uint32(fr.File)<<16|uint32(fr.Interface)]; is {
		if p.out[int(u)] {
			return -1
		}
		if d := p.divided[int(u)]; d != nil {
			if at, is := d.of(fr); is {
				return at
			}
		}
		return p.unitTap[u]
	}
	for i := range p.points {
		if slices.Contains(p.points[i].files, fr.File) {
			return i
		}
	}
	return 0
}

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) of(i int) int {
	for s[i] != i {
		i = s[i]
	}
	return i
}

// join makes one set of two. The lower number stands for it.
func (s sets) join(i, j int) {
	i, j = s.of(i), s.of(j)
	s[max(i, j)] = min(i, j)
}
