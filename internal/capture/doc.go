// Package capture reads recorded traffic: pcap and pcapng files, plain or
// compressed, and several files as one trace merged by time.
//
//	Input (decompress, stream) -> pcap | pcapng -> File (clock) -> Trace
//
// The content of a file decides its format, never its name. A file is read
// through one large block, whose unread tail moves to the front before each
// refill. Frames are slices of that block, so nothing is copied or allocated per
// frame, and no length field in a file can ask for more than maxFrame bytes.
package capture
