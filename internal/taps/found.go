package taps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
)

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
	r := b.relations()
	b.goesOn(r)
	b.addFound(r)
	for i := range b.scan.units {
		b.repeated(i, true)
		if len(b.points) < maxPoints && !b.doubled(i) {
			b.repeated(i, false)
			b.translated(i)
		}
	}
	b.ungroup()
	b.nameFound()
	for _, pair := range sortedPairs(r.apart) {
		for k, i := range pair {
			t := &b.points[b.unitTap[i]].Tap
			if t.Reason == "" {
				t.Reason = fmt.Sprintf("has %s in common with %s, at different times", quantity.Count(uint64(r.apart[pair].n), "segment"), b.unitName(pair[1-k]))
			}
		}
	}
	b.noteTaps()
	for _, pair := range sortedPairs(r.silent)[:min(1, len(r.silent))] {
		b.note("no common segment", fmt.Sprintf("%s and %s were captured at two places of the same connections, and share no segment: each is analysed by itself.",
			b.unitName(pair[0]), b.unitName(pair[1])))
	}
}

// relations are what units have to do with each other. Pairs have the lower number first.
type relations struct {
	places   sets // units that are one point
	together sets // units whose points saw the same connections
	apart    map[[2]int]*comparison
	silent   map[[2]int]bool
}

func (b *builder) relations() *relations {
	units := b.scan.units
	r := &relations{newSets(len(units)), newSets(len(units)), map[[2]int]*comparison{}, map[[2]int]bool{}}
	for i := range units {
		for j := range i {
			if class := b.class[units[i].file]; class == b.class[units[j].file] && units[i].file != units[j].file && b.inClass(class) > maxAlike {
				continue
			}
			switch is, c := b.scan.relate(&units[j], &units[i]); is {
			case otherPlace:
				r.apart[[2]int{j, i}] = c
				r.together.join(j, i)
			case samePlace:
				b.leaveOut(j, i, c)
				if c.max <= samePrecision && c.least >= -samePrecision || !b.rest(i) || !b.rest(j) {
					r.places.join(j, i)
				}
			case otherSilent:
				r.silent[[2]int{j, i}] = true
			}
		}
	}
	return r
}

// goesOn makes one place of the rest, where it goes on where it left off: the interfaces of a
// file, the files of a rotation, and files that share connections.
func (b *builder) goesOn(r *relations) {
	units := b.scan.units
	for i := range units {
		for j := range i {
			u, v := &units[j], &units[i]
			same := u.file == v.file || b.class[u.file] == b.class[v.file]
			if !same && len(units) <= maxUnits && !r.silent[[2]int{j, i}] {
				same = r.apart[[2]int{j, i}] == nil // unrelated, or going on
			}
			if same && !r.clash(i, j) {
				r.places.join(j, i)
			}
		}
	}
}

// clash reports whether the places of two units are apart.
func (r *relations) clash(i, j int) bool {
	i, j = r.places.of(i), r.places.of(j)
	for pair := range r.apart {
		if x, y := r.places.of(pair[0]), r.places.of(pair[1]); x == i && y == j || x == j && y == i {
			return true
		}
	}
	return false
}

// addFound adds the places as points. Those that saw the same connections are a group.
func (b *builder) addFound(r *relations) {
	grouped := map[int]bool{} // by place
	for pair := range r.apart {
		grouped[r.places.of(pair[0])], grouped[r.places.of(pair[1])] = true, true
	}
	for i := range b.scan.units { // a place that is in two groups makes one of them
		r.together.join(i, r.places.of(i))
	}
	at := map[int]int{}
	groups := map[int]int{}
	for i := range b.scan.units {
		place := r.places.of(i)
		p, is := at[place]
		if !is {
			group := 0
			if whole := r.together.of(place); grouped[place] {
				if groups[whole] == 0 {
					groups[whole] = len(groups) + 1
				}
				group = groups[whole]
			}
			if p = len(b.points); p == maxPoints {
				p--
			} else {
				b.add(result.Tap{}, group)
			}
			at[place] = p
		}
		b.unitTap[i] = p
		file := b.scan.units[i].file
		if f := &b.points[p]; !slices.Contains(f.files, file) {
			f.files = append(f.files, file)
			f.Files = append(f.Files, b.scan.infos[file].File)
		}
	}
}

// ungroup leaves no point alone in a group: what saw the same connections may be beyond maxPoints.
func (b *builder) ungroup() {
	n := map[int]int{}
	for i := range b.points {
		n[b.points[i].group]++
	}
	for i := range b.points {
		if p := &b.points[i]; n[p.group] == 1 {
			p.group = 0
		}
	}
}

func sortedPairs[V any](m map[[2]int]V) [][2]int {
	pairs := slices.Collect(maps.Keys(m))
	sorting.Stable(pairs, func(x, y [2]int) int { return cmp.Or(cmp.Compare(x[0], y[0]), cmp.Compare(x[1], y[1])) })
	return pairs
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
