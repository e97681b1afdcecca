// Package flow is the table of connections: which connection a segment belongs to,
// whether the capture holds its frame more than once, and who leaves when the table
// is full.
//
// The engine calls it in this order for each segment:
//
//	Find      the connection; or it begins one, which is New
//	MakeRoom  who has to leave for a new one
//	Remove    once that connection has ended
//	Add       the new one
//	Note      afterwards: is the connection over?
//
// It reads connections and does not change them, except that it begins them. All that a
// segment needs of its connection is in one record, [Flow]: who watches it is there,
// too, though only internal/watch knows what that means. A short way for segments that
// are as expected would stand between the guess and the table, and read no more than
// that record.
package flow
