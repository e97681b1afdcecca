// Package packed is how segments and the statistics of a trace are written in
// shards: TCP headers in some ten bytes each.
//
//	Encoder, Decoder        segments <-> chunk, which can be read by itself
//	AppendShared, ParseStats   stats.Trace <-> block
//	Prelude, Block          the frame around both
//
// docs/shards.md describes every byte. Package shard reads and writes the files.
package packed
