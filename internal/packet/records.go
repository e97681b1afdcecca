package packet

// Records are the records of a pcap file of Ethernet frames that lie in memory, each with a header of 16 bytes that
// little-endian machines write.
type Records struct {
	Block  []byte
	Second uint32 // units of a record's fraction in a second
	Unit   int64  // nanoseconds in such a unit
	Since  int64  // when the frame before was captured
	Num    uint32 // its number
	File   uint16
}
