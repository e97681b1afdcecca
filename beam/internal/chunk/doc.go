// Package chunk is what travels of a connection from the files that hold it to
// the one place that analyses it: up to 64 KiB of packed segments of one file,
// with what must be known to merge them by time before they are opened.
//
// Where a file has more of a connection than may travel, its chunks are left in
// a run, a file of their own, and only its name travels. So the memory that one
// connection takes while it is merged does not grow with its segments.
package chunk
