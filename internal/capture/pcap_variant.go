package capture

// variants are the lengths of record headers that go with a magic. Patched versions
// of libpcap added fields without changing it (wiretap/libpcap.c): Nokia 4 bytes,
// Red Hat 6.1 8, SuSE 6.3 12.
func (p *pcap) variants() []int {
	if p.head == pcapModifiedHeader {
		return []int{pcapModifiedHeader, pcapSuSEHeader}
	}
	return []int{pcapRecordHeader, pcapModifiedHeader, pcapNokiaHeader}
}

// recogniseVariant finds out which of these lengths the records have, if the usual
// one is wrong, from what has been read already: a pipe may have no more yet.
func (p *pcap) recogniseVariant() {
	if p.unit == 1 { // a nanosecond magic is younger than the patches
		return
	}
	if p.onlyRecord() {
		return
	}
	usual := p.head
	for _, head := range p.variants() {
		good, bad := p.plausible(head)
		if !bad && (head == usual || good > 1) {
			p.head = head
			return
		}
	}
}

// onlyRecord is for a file of one record: no second one shows that the header is longer than
// usual, but the file then ends as many bytes after the record as its fields have more.
// These bytes are a packet's last ones, and no time within a day of the first.
// It reports whether there is such a file.
func (p *pcap) onlyRecord() bool {
	first := p.buf[p.off:p.end]
	size, _ := p.sizes(first)
	if size > maxFrame || len(first) <= p.head+int(size) {
		return false
	}
	left := len(first) - p.head - int(size)
	if left >= pcapRecordHeader || p.has(len(first)+1) { // a second record has begun, so the rest of its header is on the way
		return false
	}
	first = p.buf[p.off:p.end]
	end := first[p.head+int(size):]
	if left < 4 || within(day, p.order.u32(first), p.order.u32(end)) {
		return false
	}
	for _, head := range p.variants() {
		if head+int(size) == len(first) {
			p.head = head
			return true
		}
	}
	return false
}

// plausible walks through the records that are in memory: how many make sense, and
// whether one does not.
func (p *pcap) plausible(head int) (good int, bad bool) {
	const enough, years = 20, 10 * 365 * day
	b := p.buf[p.off:p.end]
	var first uint32
	for good < enough && len(b) >= head {
		sec, frac := p.order.u32(b), p.order.u32(b[4:])
		size, wire := p.sizes(b)
		if good == 0 {
			first = sec
		}
		if size > wire || wire == 0 || wire > maxFrame || frac >= 1e9 || !within(years, first, sec) {
			return good, true
		}
		good++
		b = b[min(len(b), head+int(size)):]
	}
	return good, false
}

const day = 24 * 3600 // in seconds

// within reports whether two times are at most that far apart, all in seconds.
func within(far uint64, a, b uint32) bool {
	return uint64(max(a, b))-uint64(min(a, b)) <= far
}
