// Package intake reads captures, one file at a time. The segments of a file go to
// their connections in chunks, and its statistics are combined with those of the
// other files.
package intake
