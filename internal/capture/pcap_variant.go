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
	usual := p.head
	for _, head := range p.variants() {
		good, bad := p.plausible(head)
		if !bad && (head == usual || good > 1) {
			p.head = head
			return
		}
	}
}

// plausible walks through the records that are in memory: how many make sense, and
// whether one does not.
func (p *pcap) plausible(head int) (good int, bad bool) {
	const enough = 20
	b := p.buf[p.off:p.end]
	var first uint32
	for good < enough && len(b) >= head {
		sec, frac := p.order.u32(b), p.order.u32(b[4:])
		size, wire := p.sizes(b)
		if good == 0 {
			first = sec
		}
		const years = 10 * 365 * 24 * 3600
		far := uint64(sec) > uint64(first)+years || uint64(sec)+years < uint64(first)
		if size > wire || wire == 0 || wire > MaxFrame || frac >= 1e9 || far {
			return good, true
		}
		good++
		b = b[min(len(b), head+int(size)):]
	}
	return good, false
}
