// Package capture reads recorded traffic: pcap and pcapng files, plain or
// compressed, and several files as one trace merged by time.
//
//	input -> decompress -> stream -> pcap | pcapng -> File (clock) -> Trace
//
// What a file is gets decided by its content, never by its name. Reading goes
// through one large block per file whose tail is moved to the front before each
// refill; frames are slices of that block, so nothing is copied or allocated
// per frame, and no length field of a file can ask for more than MaxFrame bytes.
package capture
