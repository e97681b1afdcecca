package stats

import "sort"

// A Capture is one of the files that the segments came from. Times are as the
// file has them, in nanoseconds since 1970.
type Capture struct {
	File        string
	Format      string   // "pcap", "pcapng", "scenario", "shard"; "" if the file could not be opened
	Compression string   // "", "gzip", "zstd", "lz4", "xz"
	LinkTypes   []uint32 // in order of appearance
	Snap        uint32   // snap length in bytes, the largest of its interfaces; 0 if it is not known
	Interfaces  []string // names of pcapng interfaces, in order; "" where they have none
	Packets     uint64
	Bytes       uint64 // captured bytes of all packets
	First, Last int64  // earliest and latest time of a packet
	End         int64  // when the capture ended, as the file states it; 0 if it does not
	Drops       uint64 // packets that the capturing system reports as lost
	Damaged     bool   // see Damaged
	Made        bool   // see Numbering.Made
	Unordered   bool   // its times go back and forth: it is not in order of time
	Batches     int64  // see Rhythm.Batches
	Warnings    []string
	ClockSteps  ClockSteps
	Turns       Turns // of frame numbers
}

// A ClockStep is by how much the times of a file are shifted from a frame on,
// because its clock went back.
type ClockStep struct {
	Frame  uint32
	Offset int64 // nanoseconds, added to the file's times
}

// ClockSteps are those of one file, in order of frames.
type ClockSteps []ClockStep

// RawTime is the time of a frame as its file has it, given its trace time.
func (s ClockSteps) RawTime(frame uint32, at int64) int64 {
	i := sort.Search(len(s), func(i int) bool { return s[i].Frame > frame })
	if i == 0 {
		return at
	}
	return at - s[i-1].Offset
}
