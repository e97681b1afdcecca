// Package watch runs the watchers of connections: it starts them, gives them events,
// has their deadlines pass, and ends them. Of what they report it decides what yields
// to what, and what is only counted.
//
// The engine calls it once for each segment, after the connection has taken it:
//
//	Expire      deadlines of the connection, before its next segment
//	Deliver     events: what starts a watcher, and who subscribes to it
//	HalfClosed  the one event that no segment brings: the clock does
//	End         nothing more comes
//
// It only reads connections, and keeps no pointer to the table that they are in: who
// watches a connection is a number that the table's record of it holds.
package watch
