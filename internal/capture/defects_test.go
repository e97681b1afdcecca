package capture

import (
	"bytes"
	"compress/gzip"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// What readers of capture files have been seen to get wrong: each row is a
// defect of google/gopacket v1.1.19's pcapgo, by its measure against tshark.
func TestReaderDefects(t *testing.T) {
	pcap := func(h pcapHeader, write func(*pcapWriter)) []byte {
		w := newPcapWriter(h)
		write(w)
		return w.Bytes()
	}
	pcapng := func(write func(*pcapngWriter)) []byte {
		w := newPcapngWriter(littleEndian)
		w.section()
		write(w)
		return w.Bytes()
	}
	half := func(tsresol byte, stamp uint64) []byte {
		return pcapng(func(w *pcapngWriter) {
			w.iface(LinkEthernet, opt{optResolution, []byte{tsresol}})
			w.packet(0, stamp, []byte("x"), 1)
		})
	}
	type frames = []got
	tests := []struct {
		name    string
		content []byte
		want    frames
		drops   uint64
		warning string
		damage  string
	}{
		{name: "snap length 0", content: pcap(pcapHeader{snap: 0}, func(w *pcapWriter) {
			w.record(1e9, []byte("ab"), 2)
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 2, Data: "ab"}}},

		{name: "packet beyond the snap length", content: pcap(pcapHeader{snap: 1}, func(w *pcapWriter) {
			w.record(1e9, []byte("abcd"), 4)
			w.record(2e9, []byte("e"), 1)
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 4, Data: "abcd"}, {At: 2e9, Num: 2, Link: 1, Len: 1, Data: "e"}}},

		{name: "captured length beyond the wire's", content: pcap(pcapHeader{}, func(w *pcapWriter) {
			w.record(1e9, []byte("abcd"), 3)
			w.record(2e9, []byte("e"), 1)
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 4, Data: "abcd"}, {At: 2e9, Num: 2, Link: 1, Len: 1, Data: "e"}}},

		{name: "version 2.3 with lengths either way", content: pcap(pcapHeader{major: 2, minor: 3}, func(w *pcapWriter) {
			w.raw(1, 0, 60, 2, []byte("ab"))
			w.raw(2, 0, 2, 60, []byte("cd"))
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 60, Data: "ab"}, {At: 2e9, Num: 2, Link: 1, Len: 60, Data: "cd"}}},

		{name: "version 2.2 with lengths swapped", content: pcap(pcapHeader{major: 2, minor: 2}, func(w *pcapWriter) {
			w.raw(1, 0, 60, 2, []byte("ab"))
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 60, Data: "ab"}}},

		{name: "Kuznetzov's magic", content: pcap(pcapHeader{magic: magicModified}, func(w *pcapWriter) {
			w.record(1e9, []byte("ab"), 2)
			w.record(2e9, []byte("c"), 1)
		}), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 2, Data: "ab"}, {At: 2e9, Num: 2, Link: 1, Len: 1, Data: "c"}}},

		{name: "link type above 255", content: pcap(pcapHeader{link: 276}, func(w *pcapWriter) {
			w.record(1e9, []byte("ab"), 2)
		}), want: frames{{At: 1e9, Num: 1, Link: LinkSLL2, Len: 2, Data: "ab"}}},

		{name: "two pcap files end to end", content: slices.Concat(
			pcap(pcapHeader{}, func(w *pcapWriter) { w.record(1e9, []byte("ab"), 2) }),
			pcap(pcapHeader{order: bigEndian}, func(w *pcapWriter) { w.record(1e9, []byte("ab"), 2) }),
		), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 2, Data: "ab"}}, damage: "-: damaged at byte 42, after frame 1: another pcap file begins here"},

		{name: "pcapng after pcap", content: slices.Concat(
			pcap(pcapHeader{}, func(w *pcapWriter) { w.record(1e9, []byte("ab"), 2) }), half(6, 0),
		), want: frames{{At: 1e9, Num: 1, Link: 1, Len: 2, Data: "ab"}}, damage: "-: damaged at byte 42, after frame 1: a pcapng file begins here"},

		{name: "pcap after pcapng", content: slices.Concat(half(6, 5), pcap(pcapHeader{}, func(*pcapWriter) {})),
			want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}}, damage: "-: damaged at byte 96, after frame 1"},

		{name: "half a second of 2^-20", content: half(0x80|20, 1<<19), want: frames{{At: 5e8, Num: 1, Link: 1, Len: 1, Data: "x"}}},
		{name: "half a second of 2^-30", content: half(0x80|30, 1<<29), want: frames{{At: 5e8, Num: 1, Link: 1, Len: 1, Data: "x"}}},
		{name: "whole seconds", content: half(0, 1_700_000_000), want: frames{{At: 1_700_000_000e9, Num: 1, Link: 1, Len: 1, Data: "x"}}},
		{name: "division by zero", content: half(0x80|64, 1<<63), want: frames{{At: 5e8, Num: 1, Link: 1, Len: 1, Data: "x"}}},

		{name: "pcapng 1.2", content: func() []byte {
			w := newPcapngWriter(littleEndian)
			w.sectionVersion(1, 2)
			w.iface(LinkEthernet)
			w.packet(0, 5, []byte("x"), 1)
			return w.Bytes()
		}(), want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}}},

		{name: "simple packet block", content: pcapng(func(w *pcapngWriter) {
			w.iface(LinkEthernet)
			w.packet(0, 5, []byte("x"), 1)
			w.simple([]byte("abc"), 3)
			w.simple([]byte("abc"), 9)
		}), want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}, {At: 5000, Num: 2, Link: 1, Len: 3, Data: "abc"},
			{At: 5000, Num: 3, Link: 1, Len: 9, Data: "abc\x00"}}, warning: "simple packet blocks have no time"},

		{name: "packet options", content: pcapng(func(w *pcapngWriter) {
			w.iface(LinkEthernet)
			w.packet(0, 5, []byte("x"), 1, opt{1, []byte("a comment")}, w.u64opt(optDropCount, 3))
			w.packet(0, 6, []byte("y"), 1, w.u64opt(optDropCount, 4))
		}), want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}, {At: 6000, Num: 2, Link: 1, Len: 1, Data: "y"}}, drops: 7},

		{name: "option of length zero", content: pcapng(func(w *pcapngWriter) {
			w.iface(LinkEthernet, opt{2, []byte{9}}, opt{optResolution, nil}) // if_name, then an empty if_tsresol
			w.packet(0, 5, []byte("x"), 1)
		}), want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}}},

		{name: "pcapng cut inside a block", content: half(6, 5)[:80], damage: "-: cut short at byte 60, before its first frame: the file ends inside a block of 36 bytes"},

		{name: "compressed pcapng", content: gzipped(half(6, 5)), want: frames{{At: 5000, Num: 1, Link: 1, Len: 1, Data: "x"}}},

		{name: "nanoseconds are not microseconds", content: pcap(pcapHeader{magic: magicNano}, func(w *pcapWriter) {
			w.raw(1, 5, 1, 1, []byte("x"))
		}), want: frames{{At: 1_000_000_005, Num: 1, Link: 1, Len: 1, Data: "x"}}},

		{name: "nanoseconds under the magic of microseconds", content: pcap(pcapHeader{}, func(w *pcapWriter) {
			w.raw(1, 900_000, 1, 1, []byte("x")) // 0.9 ms after the second
			w.raw(1, 2_000_000, 1, 1, []byte("y"))
			w.raw(1, 999_999_999, 1, 1, []byte("z"))
		}), want: frames{{At: 1_000_900_000, Num: 1, Link: 1, Len: 1, Data: "x"}, {At: 1_002_000_000, Num: 2, Link: 1, Len: 1, Data: "y"},
			{At: 1_999_999_999, Num: 3, Link: 1, Len: 1, Data: "z"}}, warning: "times are said to be in microseconds, but have fractions of 2000000 and more"},

		{name: "nanoseconds of which each is a little more than a million", content: pcap(pcapHeader{}, func(w *pcapWriter) {
			w.raw(1, 1_000_000, 1, 1, []byte("x"))
			w.raw(1, 1_999_999, 1, 1, []byte("y"))
		}), want: frames{{At: 1_001_000_000, Num: 1, Link: 1, Len: 1, Data: "x"}, {At: 1_001_999_999, Num: 2, Link: 1, Len: 1, Data: "y"}},
			warning: "times are said to be in microseconds"},

		{name: "a fraction that was not carried", content: pcap(pcapHeader{}, func(w *pcapWriter) {
			w.raw(1, 999_999, 1, 1, []byte("x"))
			w.raw(1, 1_999_999, 1, 1, []byte("y"))
		}), want: frames{{At: 1_999_999_000, Num: 1, Link: 1, Len: 1, Data: "x"}, {At: 2_999_999_000, Num: 2, Link: 1, Len: 1, Data: "y"}}},

		{name: "a captured length of 4 GiB", content: pcap(pcapHeader{}, func(w *pcapWriter) {
			w.raw(1, 0, 0xfffffff0, 0xfffffff0, nil)
		}), damage: "-: damaged at byte 24, before its first frame: a record claims 4294967280 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, info, err := read(tt.content, Options{})
			wantFrames(t, frames, tt.want...)
			if info.Drops != tt.drops {
				t.Errorf("%d drops, want %d", info.Drops, tt.drops)
			}
			if tt.warning == "" && tt.damage == "" && len(info.Warnings) > 0 {
				t.Errorf("unexpected warnings %q", info.Warnings)
			}
			if tt.warning != "" && (len(info.Warnings) != 1 || !strings.HasPrefix(info.Warnings[0], tt.warning)) {
				t.Errorf("warnings are %q, want one: %s", info.Warnings, tt.warning)
			}
			wantDamage(t, err, tt.damage)
		})
	}
}

func wantDamage(t *testing.T, err error, prefix string) {
	t.Helper()
	var d *Damage
	switch {
	case prefix == "" && err != nil:
		t.Error(err)
	case prefix != "" && (!errors.As(err, &d) || !strings.HasPrefix(err.Error(), prefix)):
		t.Errorf("error is %v, want %s", err, prefix)
	}
}

// A wrong length of 4 GiB must not allocate memory.
func TestLyingLengthCostsNothing(t *testing.T) {
	w := newPcapWriter(pcapHeader{})
	w.raw(1, 0, maxFrame, maxFrame, nil)
	for name, content := range map[string][]byte{"pcap": w.Bytes(), "pcapng": lyingPcapng()} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := read(content, Options{})
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; err == nil || got > 2*blockSize {
			t.Errorf("%s: reading %d bytes allocates %d (%v)", name, len(content), got, err)
		}
	}
}

func lyingPcapng() []byte {
	w := newPcapngWriter(littleEndian)
	w.section()
	w.iface(LinkEthernet)
	w.u32(blockEnhanced, maxFrame, 0, 0, 0, maxFrame-32, maxFrame-32)
	return w.Bytes()
}

func TestDamage(t *testing.T) {
	pcap := func(write func(*pcapWriter)) []byte {
		w := newPcapWriter(pcapHeader{snap: 96})
		w.record(1e9, []byte("ab"), 2)
		write(w)
		return w.Bytes()
	}
	pcapng := func(write func(*pcapngWriter)) []byte {
		w := newPcapngWriter(littleEndian)
		w.section()
		w.iface(LinkEthernet)
		w.packet(0, 1, []byte("x"), 1)
		write(w)
		return w.Bytes()
	}
	tests := []struct {
		name    string
		content []byte
		damage  string
	}{
		{"zeros", pcap(func(w *pcapWriter) { w.Write(make([]byte, 4096)) }), "-: damaged at byte 42, after frame 1: zeros"},
		{"garbage", pcap(func(w *pcapWriter) { w.Write(bytes.Repeat([]byte{0xff}, 99)) }), "-: damaged at byte 42"},
		{"no header", pcap(func(w *pcapWriter) { w.raw(1, 4e9, 100, 90, make([]byte, 100)) }), "-: damaged at byte 42, after frame 1: no record"},
		{"trailing bytes", pcap(func(w *pcapWriter) { w.Write(make([]byte, 5)) }), "-: cut short at byte 42, after frame 1: the file ends inside a record header of 16 bytes"},
		{"odd block length", pcapng(func(w *pcapngWriter) { w.u32(99, 13, 0, 0) }), "-: damaged at byte 84, after frame 1: a block claims 13 bytes"},
		{"short block", pcapng(func(w *pcapngWriter) { w.u32(99, 8, 8) }), "-: damaged at byte 84, after frame 1: a block claims 8 bytes"},
		{"short packet block", pcapng(func(w *pcapngWriter) { w.u32(blockEnhanced, 16, 0, 16) }), "-: damaged at byte 84, after frame 1: a block claims 16 bytes"},
		{"huge packet block", pcapng(func(w *pcapngWriter) { w.u32(blockEnhanced, 1<<30, 0, 16) }), "-: damaged at byte 84, after frame 1: a block claims 1073741824 bytes"},
		{"lengths differ", pcapng(func(w *pcapngWriter) { w.u32(99, 12, 16) }), "-: damaged at byte 84, after frame 1: a block of 12 bytes ends as one of 16"},
		{"packet lengths differ", pcapng(func(w *pcapngWriter) { w.u32(blockEnhanced, 32, 0, 0, 0, 0, 0, 28) }), "-: damaged at byte 84, after frame 1: a block of 32 bytes ends as one of 28"},
		{"packet beyond its block", pcapng(func(w *pcapngWriter) { w.u32(blockEnhanced, 36, 0, 0, 0, 8, 8, 0, 36) }), "-: damaged at byte 84, after frame 1: a packet of 8 bytes"},
		{"packet of no interface", pcapng(func(w *pcapngWriter) { w.packet(1, 0, nil, 0) }), "-: damaged at byte 84, after frame 1: a packet of interface 1"},
		{"simple packet of no interface", pcapng(func(w *pcapngWriter) { w.section(); w.simple(nil, 0) }), "-: damaged at byte 112, after frame 1: a packet of interface 0"},
		{"statistics of no interface", pcapng(func(w *pcapngWriter) { w.statistics(3) }), "-: damaged at byte 84, after frame 1: statistics of interface 3"},
		{"unknown section version", pcapng(func(w *pcapngWriter) { w.sectionVersion(2, 0) }), "-: damaged at byte 84, after frame 1: pcapng version 2.0"},
		{"section without magic", pcapng(func(w *pcapngWriter) { w.block(blockSection, func(b *put) { b.Write(make([]byte, 16)) }) }), "-: damaged at byte 84, after frame 1: a section header without"},
		{"compressed", gzipped(pcap(func(w *pcapWriter) { w.Write(make([]byte, 99)) })), "-: damaged at byte 42 of the uncompressed stream, after frame 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames, info, err := read(tt.content, Options{})
			if len(frames) != 1 {
				t.Errorf("%d frames before the damage, want 1", len(frames))
			}
			wantDamage(t, err, tt.damage)
			if info.Err != err || !slices.Contains(info.Warnings, err.Error()) {
				t.Errorf("info says %v, %q", info.Err, info.Warnings)
			}
		})
	}
}

func gzipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}
