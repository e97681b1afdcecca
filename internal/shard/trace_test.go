package shard_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/internal/stats"
	"github.com/tcptrace-go/tcptrace/internal/tracegen"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// generated is a pcap file of many connections, some of them with faults.
func generated(t testing.TB, frames int64) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := tracegen.Write(&b, tracegen.Spec{Frames: frames, Flows: 200, Snap: 96, Faults: 3, Seed: 11, Nanos: true}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// write creates a file and returns its name.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const pcapHeader = 24

// frames are the records of a little-endian pcap file.
func frames(file []byte) (all [][]byte) {
	for file = file[pcapHeader:]; len(file) > 0; {
		n := 16 + int(binary.LittleEndian.Uint32(file[8:]))
		all = append(all, file[:n])
		file = file[n:]
	}
	return all
}

func pcap(like []byte, frames [][]byte) []byte {
	return slices.Concat(like[:pcapHeader], bytes.Join(frames, nil))
}

func TestSplit_many(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 30_000))
	for _, n := range []int{1, 7, 64, 300} {
		checkSame(t, n, name)
	}
}

// Rotated files, compressed ones, in any order.
func TestSplit_rotated(t *testing.T) {
	file := generated(t, 20_000)
	all := frames(file)
	var names []string
	for i := 0; len(all) > 0; i++ {
		n := min(3333, len(all))
		part := pcap(file, all[:n])
		all = all[n:]
		name := fmt.Sprintf("part%d.pcap", 9-i)
		if i%2 == 1 {
			var z bytes.Buffer
			w := gzip.NewWriter(&z)
			w.Write(part)
			w.Close()
			part, name = z.Bytes(), name+".gz"
		}
		names = append(names, write(t, name, part))
	}
	slices.Sort(names)
	checkSame(t, 7, names...)
}

// Two taps: every frame was captured twice, some microseconds apart, and some are
// missing at one tap.
func TestSplit_twoTaps(t *testing.T) {
	file := generated(t, 10_000)
	var taps [2][][]byte
	for i, fr := range frames(file) {
		if i%97 != 0 {
			taps[0] = append(taps[0], fr)
		}
		if i%89 != 0 {
			late := bytes.Clone(fr)
			nanos := binary.LittleEndian.Uint32(late[4:]) + 40_000
			binary.LittleEndian.PutUint32(late[4:], nanos%1_000_000_000)
			binary.LittleEndian.PutUint32(late, binary.LittleEndian.Uint32(late)+nanos/1_000_000_000)
			taps[1] = append(taps[1], late)
		}
	}
	names := []string{write(t, "a.pcap", pcap(file, taps[0])), write(t, "b.pcap", pcap(file, taps[1]))}
	if m := read(t, reportOf(t, names...)); m.Totals["copies"] == 0.0 {
		t.Fatalf("no copies: %v", m.Totals)
	}
	checkSame(t, 7, names...)
	checkSame(t, 64, names...)
}

// A capture without TCP, one without frames, and one that cannot be read.
func TestSplit_nothing(t *testing.T) {
	file := generated(t, 1000)
	udp := bytes.Clone(file)
	for _, fr := range frames(udp) {
		fr[16+12], fr[16+13] = 0x88, 0xcc // LLDP
	}
	checkSame(t, 3, write(t, "udp.pcap", udp))
	checkSame(t, 3, write(t, "empty.pcap", file[:pcapHeader]))
	checkSame(t, 3, write(t, "cut.pcap", file[:len(file)-5]))
}

// If connections are evicted to stay within --max-flows, all shards together still
// give the same report, and single ones do if they are whole partitions.
func TestSplit_bounds(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 30_000))
	o := engine.Options{MaxFlows: 64 * 2, Workers: 1}
	want := reportWith(t, o, name)
	if m := read(t, want); m.Totals["evicted_flows"] == 0.0 {
		t.Fatal("nothing is evicted")
	}
	for _, n := range []int{7, 16} {
		shards := split(t, shard.Split{Shards: n, Engine: o}, name)
		if got := reportWith(t, o, shards...); !bytes.Equal(want, got) {
			t.Errorf("%d shards report\n%s\nwant\n%s", n, got, want)
		}
		if n == 7 {
			continue
		}
		var findings int
		for _, s := range shards {
			findings += len(read(t, reportWith(t, o, s)).Findings)
		}
		if all := len(read(t, want).Findings); findings != all {
			t.Errorf("one by one there are %d findings, want %d", findings, all)
		}
	}
}

// The same input gives the same bytes, whatever the number of workers.
func TestSplit_deterministic(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 10_000))
	one := split(t, shard.Split{Shards: 5, Engine: engine.Options{Workers: 1}}, name)
	two := split(t, shard.Split{Shards: 5, Engine: engine.Options{Workers: 3}}, name)
	for i := range one {
		a, err1 := os.ReadFile(one[i])
		b, err2 := os.ReadFile(two[i])
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("shard %d differs (%v, %v)", i, err1, err2)
		}
	}
}

// Shards can be split again, and joined.
func TestSplit_again(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 10_000))
	want := reportOf(t, name)
	shards := split(t, shard.Split{Shards: 5}, name)
	for _, n := range []int{1, 3, 11} {
		if got := reportOf(t, split(t, shard.Split{Shards: n}, shards...)...); !bytes.Equal(want, got) {
			t.Errorf("split in 5 and then in %d, it reports\n%s\nwant\n%s", n, got, want)
		}
	}
	a := read(t, reportOf(t, split(t, shard.Split{Shards: 2}, shards[:2]...)...))
	b := read(t, reportOf(t, shards[:2]...))
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("two of five shards split again report\n%s\nwant\n%s", a, b)
	}
}

// Frames left out, and addresses replaced, while splitting stay so.
func TestSplit_anonymized(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 5000))
	mapper := anonymize.New(anonymize.NewKey())
	o := engine.Options{Workers: 1, Rewrite: mapper.Segment, Match: func(fr *capture.Frame) bool { return fr.Num%50 != 0 }}
	rename := func(all []stats.Capture) {
		for i := range all {
			all[i].File = "secret"
		}
	}
	want := bytes.ReplaceAll(reportWith(t, o, name), []byte(name), []byte("secret"))
	shards := split(t, shard.Split{Shards: 3, Engine: o, Rename: rename}, name)
	if got := reportOf(t, shards...); !bytes.Equal(want, got) {
		t.Errorf("shards report\n%s\nwant\n%s", got, want)
	}
	for _, s := range shards {
		if text, err := os.ReadFile(s); err != nil || bytes.Contains(text, []byte("x.pcap")) {
			t.Errorf("%s has the name of the capture (%v)", s, err)
		}
	}
}

// Shards can be compressed, as captures can.
func TestSplit_compressed(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 5000))
	text, err := os.ReadFile(split(t, shard.Split{Shards: 1}, name)[0])
	if err != nil {
		t.Fatal(err)
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(text)
	w.Close()
	if got := reportOf(t, write(t, "shard.gz", z.Bytes())); !bytes.Equal(reportOf(t, name), got) {
		t.Error("a compressed shard has another report")
	}
}

// Every segment is in the shard that the documented hash says.
func TestSplit_hash(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 3000))
	for i, s := range split(t, shard.Split{Shards: 11}, name) {
		shards := open(t, s).(*shard.Trace)
		var seg reassembly.Segment
		for {
			if _, err := shards.Next(&seg); err != nil {
				break
			}
			if got := documented(&seg, 11); got != i {
				t.Fatalf("%v > %v is in shard %d, and belongs to %d", seg.Src, seg.Dst, i, got)
			}
		}
	}
}

// A shard that was cut short reports nothing about what is missing.
func TestCut(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 20_000))
	all := map[string]bool{}
	whole := analyse(t, name)
	for _, f := range whole.Findings {
		all[f.ID+f.Outcome] = f.Verdict == detectors.Seen
	}
	shards := split(t, shard.Split{Shards: 2}, name)
	text, err := os.ReadFile(shards[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{len(text) - 1, len(text) - 200, len(text) * 2 / 3, len(text) / 2} {
		cut := write(t, "shard-000", text[:n])
		for _, files := range [][]string{{cut}, {cut, shards[1]}} {
			rep := analyse(t, files...)
			if w := rep.Captures[len(rep.Captures)-1].Warnings; len(w) != 1 || !strings.Contains(w[0], "cut short at byte ") {
				t.Errorf("cut after %d bytes, it warns %q", n, w)
			}
			if len(files) == 2 && rep.Captures[0].Packets != whole.Captures[0].Packets {
				t.Errorf("beside a whole shard, the capture has %d packets, want %d", rep.Captures[0].Packets, whole.Captures[0].Packets)
			}
			for _, f := range rep.Findings {
				if f.Verdict == detectors.Seen && !all[f.ID+f.Outcome] && f.Outcome != "stalled" {
					t.Errorf("cut after %d bytes of %d, %d files bring what the whole does not: %s %s", n, len(text), len(files), f.Outcome, f.Message)
				}
			}
		}
	}
}

// Captures beside shards, shards of another split, and repeated ones are left out.
func TestMixed(t *testing.T) {
	one, two := write(t, "x.pcap", generated(t, 1000)), write(t, "y.pcap", generated(t, 1500))
	a, b := split(t, shard.Split{Shards: 2}, one), split(t, shard.Split{Shards: 2}, two)
	again := split(t, shard.Split{Shards: 3}, one)
	for _, c := range []struct {
		files []string
		want  string
	}{
		{[]string{a[0], b[1]}, "left out: it is from another split than"},
		{[]string{a[0], again[1]}, "left out: it is from another split than"},
		{[]string{a[0], one}, "left out: it is not a shard, and"},
		{[]string{one, a[0]}, "left out: it is a shard, and"},
		{[]string{a[0], a[1], a[0]}, "left out: it is the same shard as"},
	} {
		trace, errs := source.Open(c.files, capture.Options{})
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.files, errs, c.want)
		}
		rest := source.Run(context.Background(), trace, engine.Options{Detectors: catalogue.All})
		alone := analyse(t, c.files[:len(c.files)-1]...)
		if rest.Totals.TCPSegments != alone.Totals.TCPSegments || len(rest.Findings) != len(alone.Findings) {
			t.Errorf("%q: %d segments, want those of the others, %d", c.files, rest.Totals.TCPSegments, alone.Totals.TCPSegments)
		}
		trace.Close()
	}
}

// Reading a segment allocates nothing.
func TestRead_allocatesNothing(t *testing.T) {
	name := write(t, "x.pcap", generated(t, 20_000))
	shards := open(t, split(t, shard.Split{Shards: 1}, name)[0]).(*shard.Trace)
	var seg reassembly.Segment
	for range 5000 {
		shards.Next(&seg)
	}
	if n := testing.AllocsPerRun(10_000, func() { shards.Next(&seg) }); n > 0 {
		t.Errorf("%v allocations a segment", n)
	}
}

// documented is the hash as described in docs/shards.md.
func documented(seg *reassembly.Segment, shards uint64) int {
	le := binary.LittleEndian
	fold := func(e reassembly.Endpoint) uint64 {
		a := le.Uint64(e.Addr[:8]) ^ uint64(e.Port)*0xa0761d6478bd642f ^ 0x8ebc6af09c88c6e3
		b := le.Uint64(e.Addr[8:]) ^ 0xe7037ed1a0b428db
		return high(a, b) ^ a*b
	}
	return int(high((fold(seg.Src)+fold(seg.Dst))*0x9e3779b97f4a7c15, shards))
}

// high is the upper half of a product.
func high(a, b uint64) uint64 {
	a0, a1, b0, b1 := a&(1<<32-1), a>>32, b&(1<<32-1), b>>32
	mid := a1*b0 + a0*b0>>32
	return a1*b1 + mid>>32 + (mid&(1<<32-1)+a0*b1)>>32
}

// What only many connections together show is known in each shard.
func TestSplit_counts(t *testing.T) {
	var fins, syns strings.Builder
	for i := range 8 {
		fmt.Fprintf(&fins, "host c%d 10.0.1.%d:4000%d\n", i, i+1, i)
		fmt.Fprintf(&syns, "host c%d 10.0.1.%d:4000%d\n", i, i+1, i)
	}
	for i := range 8 {
		fmt.Fprintf(&fins, "+.1 c%d > server S 0:0(0) win 64240\n+.01 server > c%d S. 0:0(0) ack 1 win 64240\n+.01 c%d > server . 1:1(0) ack 1 win 64240\n+.01 c%d > server F. 1:1(0) ack 1 win 64240\n", i, i, i, i)
		fmt.Fprintf(&syns, "+.1 c%d > server S 0:0(0) win 64240\n", i)
	}
	fmt.Fprintf(&syns, "+3 c7 > server S 0:0(0) win 64240\n")
	for name, x := range map[string]struct{ lines, want string }{
		"FINs": {fins.String(), "acks-filtered"},
		"SYNs": {syns.String(), "one-sided"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, "x.txtar", []byte("-- trace --\n"+x.lines+"+300 end\n"))
			if text := reportOf(t, file); !bytes.Contains(text, []byte(x.want)) {
				t.Fatalf("there is no %s in\n%s", x.want, text)
			}
			checkSame(t, 7, file)
			checkSame(t, 64, file)
		})
	}
}

// All shards together are in the order of the trace, although times go back.
func TestRead_order(t *testing.T) {
	file := generated(t, 3000)
	all := frames(file)
	for i := 10; i < len(all); i += 10 {
		all[i-1], all[i] = all[i], all[i-1]
	}
	shards := open(t, split(t, shard.Split{Shards: 13}, write(t, "x.pcap", pcap(file, all)))...).(*shard.Trace)
	var seg reassembly.Segment
	for want := uint64(1); ; want++ {
		position, err := shards.Next(&seg)
		if err != nil {
			if want != uint64(len(all))+1 {
				t.Fatalf("%d segments of %d", want-1, len(all))
			}
			break
		}
		if position != want || seg.Frame != uint32(want) {
			t.Fatalf("segment %d, of frame %d, comes as number %d", position, seg.Frame, want)
		}
	}
}

// If the kernel lost frames, no shard can say that something is absent.
func TestSplit_drops(t *testing.T) {
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	err := w.Begin(pcapng.Section{})
	n, err2 := w.Interface(pcapng.Interface{Link: uint16(capture.LinkEthernet)})
	if err := cmp.Or(err, err2); err != nil {
		t.Fatal(err)
	}
	trace := open(t, "../../samples/unretransmitted-fin.txtar").(*capture.Trace)
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		if err := w.Packet(&pcapng.Packet{Interface: n, At: fr.At, Data: fr.Data, Len: fr.Len}); err != nil {
			t.Fatal(err)
		}
	}
	w.Lost(n, 3)
	if err := w.End(trace.End()); err != nil {
		t.Fatal(err)
	}
	name := write(t, "x.pcapng", b.Bytes())
	if !bytes.Contains(reportOf(t, name), []byte("kernel-drops")) {
		t.Fatal("nothing was dropped")
	}
	checkSame(t, 7, name)
}
