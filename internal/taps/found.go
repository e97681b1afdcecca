package taps

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/report/quantity"
	"github.com/tcptrace-go/tcptrace/internal/result"
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
		b.repeated(i, true)
		if len(b.points) < maxPoints && !b.doubled(i) {
			b.repeated(i, false)
			b.translated(i)
		}
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
