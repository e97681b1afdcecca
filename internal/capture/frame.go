package capture

import "github.com/tcptrace-go/tcptrace/reassembly"

// maxFrame is the largest frame that is accepted, in bytes; a longer one is
// damage. With segmentation offload, frames reach 512 KiB (Linux BIG TCP,
// GSO_MAX_SIZE).
const maxFrame = 16 << 20

// A Frame is one captured record.
type Frame struct {
	At      int64    // nanoseconds since 1970 in trace time: see Trace for clock steps
	Data    []byte   // captured bytes, valid until the next Next
	Len     int      // bytes on the wire, never less than len(Data)
	Num     uint32   // 1-based position in its file, as Wireshark counts
	Link    LinkType // of Data
	File    uint16   // index of the input, in the order of the command line
	Stepped bool     // the file's clock stepped just before

	Interface uint16 // of its file, counted over all sections; 0 where the format has none

	// Text says that the frame was rebuilt from text. Missing is what the text that the frame was rebuilt from does not say.
	Text    bool
	Missing reassembly.Missing
}
