// Package flow is the table of connections: which connection a segment belongs to,
// whether the capture holds its frame more than once, and who leaves when the table
// is full.
//
// The engine calls it in this order for each segment:
//
//	Find      the connection; or it begins one, in the place New
//	MakeRoom  who has to leave for a new one
//	Remove    once that connection has ended
//	Add       the new one
//	Note      afterwards: is the connection over?
//
// It reads connections and does not change them, except that it begins them. What the
// engine has to know about one segment and its connection is in one record, [Flow].
package flow
