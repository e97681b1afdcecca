package stats

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// Coverage is the time in which the rotation that a file belongs to was captured.
// Between rotations nobody looked: nothing can be said to be absent there.
type Coverage struct {
	Rotation   int
	First, End int64 // trace time, nanoseconds since 1970
}

// Rotations says of each file to which rotation it belongs, by number: files of one
// capture, written one after the other. Their format, link types and snap length are
// the same, they do not overlap, and their names differ only in a counter or a time.
// Any other file is a rotation of its own.
func Rotations(files []Capture) []int {
	rotation, order := make([]int, len(files)), make([]int, len(files))
	for i := range files {
		rotation[i], order[i] = i, i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(files[a].First, files[b].First), a-b) })
	latest := map[string]int{} // the last file of each
	for _, i := range order {
		f := &files[i]
		if f.Packets == 0 {
			continue
		}
		name := withoutDigits(f.File)
		if before, is := latest[name]; is && files[before].Last <= f.First && sameCapture(&files[before], f) {
			rotation[i] = rotation[before]
		}
		latest[name] = i
	}
	return rotation
}

func sameCapture(a, b *Capture) bool {
	return a.Format == b.Format && (a.Snap == b.Snap || a.Snap == 0 || b.Snap == 0) && slices.Equal(a.LinkTypes, b.LinkTypes)
}

// withoutDigits is the name of a file without what counts in it. Digits of the
// directory stay: these are other hosts rather than later files.
func withoutDigits(name string) string {
	dir, base := filepath.Split(name)
	return dir + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, base)
}

// Coverages are those of all files, by rotation. Of a file whose clock stepped, all
// time counts as covered: its times are not the trace's.
func Coverages(files []Capture, rotations []int) []Coverage {
	whole := map[int]Coverage{}
	for i := range files {
		f := &files[i]
		if f.Packets == 0 {
			continue
		}
		c := Coverage{rotations[i], f.First, max(f.Last, f.End)}
		if len(f.ClockSteps) > 0 {
			c.First, c.End = 0, 1<<63-1
		}
		if other, is := whole[c.Rotation]; is {
			c.First, c.End = min(c.First, other.First), max(c.End, other.End)
		}
		whole[c.Rotation] = c
	}
	all := make([]Coverage, len(files))
	for i := range files {
		all[i] = whole[rotations[i]]
	}
	return all
}
