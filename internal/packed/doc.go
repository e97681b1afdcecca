// Package packed is the stream of TCP headers that captures are reduced to
// where one machine is not enough: what the judges need of each segment, in
// some ten bytes, and what must be known of the trace as a whole.
//
//	Encoder, Decoder   segments <-> chunk, which needs nothing from outside
//	Facts              what no single connection shows: ends, gaps, drops
//	Writer, Prelude    a file of chunks with its facts: a shard
//
// docs/shards.md describes every byte. Files are read by package capture, as any
// other capture is.
package packed
