// Package sorting sorts lists of which the program has few, and puts elements into them, in less code: of the sort of the standard library, the
// compiler makes a copy for each type of element, 8 kB of instructions and as much again of tables, and of its Insert 2 kB.
package sorting

import "slices"

// Stable sorts a list and keeps the order of what is equal, as [slices.SortStableFunc] does. It sorts the places of the elements,
// and then moves each element once.
func Stable[E any](list []E, compare func(a, b E) int) {
	from := places(len(list), func(i, j int) int { return compare(list[i], list[j]) })
	for start := range from {
		if from[start] == start {
			continue
		}
		first, at := list[start], start
		for from[at] != start {
			list[at] = list[from[at]]
			at, from[at] = from[at], at
		}
		list[at], from[at] = first, at
	}
}

// Insert puts x into a list before the element at i (0 to its length), and returns the list.
func Insert[E any](list []E, i int, x E) []E {
	list = append(list, x)
	copy(list[i+1:], list[i:])
	list[i] = x
	return list
}

// places are the places of n elements in their order.
func places(n int, compare func(i, j int) int) []int {
	from := make([]int, n)
	for i := range from {
		from[i] = i
	}
	slices.SortFunc(from, func(i, j int) int {
		if c := compare(i, j); c != 0 {
			return c
		}
		return i - j
	})
	return from
}
