package capture

// MaxFrame is the largest frame that is believed, in bytes. Offloading stacks
// hand over up to 512 KiB at once (Linux BIG TCP, GSO_MAX_SIZE); what claims
// more than this is damage.
const MaxFrame = 16 << 20

// A Frame is one captured record.
type Frame struct {
	At      int64    // nanoseconds since 1970 in trace time: see Trace for clock steps
	Data    []byte   // captured bytes, valid until the next Next
	Len     int      // bytes on the wire, never less than len(Data)
	Num     uint32   // 1-based position in its file, as Wireshark counts
	Link    LinkType // of Data
	File    uint16   // which input, in order of the command line
	Stepped bool     // the file's clock stepped just before this frame
}
