// Package chunk is how the segments of a connection travel from the files to the
// one place that analyses them: up to 64 KiB of packed segments of one file, with
// what is needed to merge chunks by time before they are decoded.
//
// If a file has more of a connection than may travel, its chunks go to a run, a
// file of their own, and only its name travels. So the memory for merging a
// connection does not grow with its segments.
package chunk
