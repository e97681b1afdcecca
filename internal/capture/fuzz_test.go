package capture

import (
	"io"
	"slices"
	"testing"
)

// checkAnything holds what is true of any bytes: reading ends, frames are
// numbered, times go on, and memory stays in bounds.
func checkAnything(t *testing.T, content []byte) {
	f, err := openBytes(content, Options{})
	if err != nil {
		return
	}
	defer f.Close()
	var fr Frame
	var num uint32
	var latest int64
	var packets, captured uint64
	for err = f.Next(&fr); err == nil; err = f.Next(&fr) {
		if fr.Num <= num || fr.Len < len(fr.Data) || fr.At < latest-stepBack || fr.At < 0 || fr.At > maxTime {
			t.Fatalf("after frame %d at %d: %+v", num, latest, fr)
		}
		num, latest = fr.Num, max(latest, fr.At)
		packets++
		captured += uint64(len(fr.Data))
		if packets > 1<<20 {
			break // a bomb, slow but bounded
		}
	}
	info, again := f.Info(), uint64(0) // frames that were written before are counted, and not returned
	if f.again != nil {
		again = f.again.count
	}
	if info.Packets != packets+again || info.Bytes < captured || again == 0 && info.Bytes != captured || f.clock.end() < latest {
		t.Fatalf("%d packets, end %d: %+v", packets, latest, info)
	}
	if d, ok := err.(*Damage); err != nil && err != io.EOF && (!ok || d.Frame < num || again == 0 && d.Frame != num || d.Error() == "") {
		t.Fatalf("after frame %d: %v", num, err)
	}
}

func FuzzPcap(f *testing.F) {
	f.Add(smallPcap())
	for _, magic := range []uint32{magicNano, magicModified} {
		for _, minor := range []uint16{2, 3, 4} {
			w := newPcapWriter(pcapHeader{order: bigEndian, magic: magic, major: 2, minor: minor, snap: 96})
			w.record(at, []byte("frame"), 99)
			w.raw(1, 0, 0xfffffff0, 0xfffffff0, nil)
			f.Add(w.Bytes())
		}
	}
	f.Add(slices.Concat(smallPcap(), smallPcap()))
	f.Fuzz(checkAnything)
}

func FuzzPcapng(f *testing.F) {
	f.Add(smallPcapng())
	f.Add(slices.Concat(smallPcapng(), smallPcapng()))
	w := newPcapngWriter(littleEndian)
	w.sectionVersion(1, 2)
	for _, tsresol := range []byte{0, 6, 12, 127, 0x80, 0x94, 0xc0, 0xff} {
		w.iface(LinkSLL2, opt{optResolution, []byte{tsresol}}, w.u64opt(optOffset, 1<<63))
	}
	for id := range uint16(8) {
		w.simple([]byte("simple"), 1500)
		w.obsolete(id, 5, 1<<63, []byte("obsolete"), 8)
		w.packet(uint32(id), 1<<40, []byte("enhanced"), 8, opt{1, []byte("comment")})
		w.statistics(uint32(id), w.u64opt(optReceived, 3), w.u64opt(optOSDrop, 1<<63), w.stampopt(optEndTime, 1<<41))
	}
	f.Add(w.Bytes())
	f.Add(lyingPcapng())
	f.Fuzz(checkAnything)
}

func FuzzCompressed(f *testing.F) {
	for _, compress := range compressors {
		whole := compress(smallPcapng())
		f.Add(whole)
		f.Add(whole[:len(whole)-7])
		f.Add(slices.Concat(whole, whole))
		f.Add(compress(make([]byte, 1<<16)))
	}
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(checkAnything)
}
