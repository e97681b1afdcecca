package report

import (
	"slices"
	"strconv"

	"github.com/tcptrace-go/tcptrace/internal/result"
)

// displayFilters are Wireshark display filters that show a finding's frames, by
// file in order of appearance. Since Wireshark 4.0 the members of a set must be
// separated by commas.
func displayFilters(r *result.Report, o *Options, f *result.Finding) (files, filters []string) {
	frames := map[uint16][]uint32{}
	var order []uint16
	for i := range f.Evidence {
		seg := &f.Evidence[i].Seg
		if frames[seg.File] == nil {
			order = append(order, seg.File)
			files = append(files, o.file(r, seg))
		}
		frames[seg.File] = append(frames[seg.File], seg.Frame)
	}
	for _, file := range order {
		filters = append(filters, displayFilter(frames[file]))
	}
	return files, filters
}

// displayFilter is "frame.number in {30, 31, 33..39}".
func displayFilter(frames []uint32) string {
	slices.Sort(frames)
	frames = slices.Compact(frames)
	if len(frames) == 1 {
		return "frame.number == " + strconv.Itoa(int(frames[0]))
	}
	b := []byte("frame.number in {")
	for i := 0; i < len(frames); {
		last := i
		for last+1 < len(frames) && frames[last+1] == frames[last]+1 {
			last++
		}
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendUint(b, uint64(frames[i]), 10)
		switch {
		case last == i+1: // two are a list, not a range
			b = append(b, ", "...)
			b = strconv.AppendUint(b, uint64(frames[last]), 10)
		case last > i:
			b = append(b, ".."...)
			b = strconv.AppendUint(b, uint64(frames[last]), 10)
		}
		i = last + 1
	}
	return string(append(b, '}'))
}
