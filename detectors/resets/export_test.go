package resets

import "slices"

// A Removal takes one entry out of reset-cause's tables.
type Removal struct {
	Entry   string
	Remove  func()
	Restore func()
}

// Removals are one for each row, exception and doubt.
func Removals() (all []Removal) {
	all = removals(all, "row", &rows, func(r row) string { return r.outcome.Name + ", " + r.authority })
	all = removals(all, "doubt", &doubts, func(d doubt) string { return d.reason })
	seen := map[*outcome]bool{}
	for _, o := range append(outcomesOfRows(), unexplained) {
		if seen[o] {
			continue
		}
		seen[o] = true
		all = removals(all, o.Name+", exception", &o.exceptions, func(x exception) string { return x.severity.String() })
		all = removals(all, o.Name+", doubt", &o.doubts, func(d doubt) string { return d.reason })
	}
	return all
}

func outcomesOfRows() (list []*outcome) {
	for _, r := range rows {
		list = append(list, r.outcome)
	}
	return list
}

func removals[T any](all []Removal, kind string, table *[]T, name func(T) string) []Removal {
	whole := *table
	for i := range whole {
		all = append(all, Removal{
			Entry:   kind + ": " + name(whole[i]),
			Remove:  func() { *table = slices.Delete(slices.Clone(whole), i, i+1) },
			Restore: func() { *table = whole },
		})
	}
	return all
}

// NoAftermath reports whether nobody has written what all cases without an aftermath have.
func NoAftermath() bool { return noAftermath == aftermath{} }
