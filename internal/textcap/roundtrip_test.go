package textcap_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/decode"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
	"github.com/tcptrace-go/tcptrace/internal/source"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

var (
	all    = flag.Bool("all", false, "print every trace of this repository through every printer, instead of a part")
	folder = flag.String("folder", "", "print all captures in this folder, too")
)

// A printer prints a capture.
type printer struct {
	name  string
	argv  []string // $ is the file
	whole bool     // the text holds everything: the findings are the same
	every int      // this share of the traces is printed without -all
}

var printers = []printer{
	{"tcpdump -nn -vv", strings.Fields("tcpdump -nn -vv --nano -r $"), true, 7},
	{"tcpdump -nn -vv -S -e -tttt", strings.Fields("tcpdump -nn -vv -S -e -tttt --nano -r $"), true, 31},
	{"tcpdump -nn", strings.Fields("tcpdump -nn -r $"), false, 7},
	{"tcpdump -nn -S -tt", strings.Fields("tcpdump -nn -S -tt -r $"), false, 31},
	{"tcpdump -nn -v -ttt", strings.Fields("tcpdump -nn -v -ttt -r $"), false, 31},
	{"tcpdump -v -ttttt -e", strings.Fields("tcpdump -nn -v -ttttt -e -r $"), false, 31},
	{"tcpdump -nn -t", strings.Fields("tcpdump -nn -t -r $"), false, 61},
	{"tcpdump -nn -q", strings.Fields("tcpdump -nn -q -r $"), false, 61},
	{"tcpdump -nn -x", strings.Fields("tcpdump -nn -x --nano -r $"), true, 31},
	{"tcpdump -xx -tt", strings.Fields("tcpdump -nn -xx -tt --nano -r $"), true, 31},
	{"tcpdump -nn -X -v", strings.Fields("tcpdump -nn -X -v --nano -r $"), true, 61},
	{"tcpdump -nn -XX -#", strings.Fields("tcpdump -nn -XX -# --nano -r $"), true, 61},
	{"tshark -T json", strings.Fields("tshark -r $ -T json"), true, 200},
	{"tshark -T ek", strings.Fields("tshark -r $ -T ek"), true, 200},
	{"tshark -T pdml", strings.Fields("tshark -r $ -T pdml"), true, 200},
	{"tshark", strings.Fields("tshark -r $"), false, 100},
	{"tshark -t ad", strings.Fields("tshark -r $ -t ad -o tcp.relative_sequence_numbers:false"), false, 200},
	{"tshark -t d", strings.Fields("tshark -r $ -t d"), false, 200},
	{"fortigate 1", []string{"fortigate", "1", "$"}, false, 31},
	{"fortigate 3", []string{"fortigate", "3", "$"}, true, 61},
	{"fortigate 4", []string{"fortigate", "4", "$"}, false, 31},
	{"snoop -r", nil, false, 31},
	{"show capture", nil, false, 31},
	{"tcpdump -nn, 80 columns", nil, false, 31},
	{"tcpdump -nn -vv -e, 80 columns", nil, false, 31},
	{"tcpdump -nn -A", strings.Fields("tcpdump -nn -A -r $"), false, 61},
}

// TestRoundTrip prints captures and reads the text back. What is seen in the text is
// seen in the capture, and where the text holds everything, the findings are the
// same.
func TestRoundTrip(t *testing.T) {
	captures := ownCaptures(t)
	own := len(captures)
	if *folder != "" {
		captures = append(captures, capturesIn(t, *folder)...)
	}
	for _, p := range printers {
		t.Run(p.name, func(t *testing.T) {
			if program := p.program(); program != "" {
				if _, err := exec.LookPath(program); err != nil {
					t.Skip(err)
				}
			}
			var list []*sample
			for i, c := range captures {
				if c.multipath && !p.whole && !strings.HasPrefix(p.name, "tcpdump") { // others do not print that option
					continue
				}
				if *all || i >= own || i%p.every == 0 || onceDiffered[strings.TrimPrefix(c.name, "../../detectors/testdata/")] {
					list = append(list, c)
				}
			}
			tried, same := p.compare(t, list)
			t.Logf("%d captures, the same findings in %d", tried, same)
		})
	}
}

// onceDiffered are traces of which a text showed something that the capture does not: they are always printed.
var onceDiffered = map[string]bool{
	"early-reuse.txtar trace 8": true, "post-fin-ack-rst.txtar trace 44": true, "post-fin-ack-rst.txtar trace 63": true, "retransmissions-stalls.txtar trace 1": true,
	"retransmissions.txtar trace 79": true, "retransmissions-stalls.txtar trace 23": true, "retransmissions-unneeded.txtar trace 36": true, "retransmissions-unneeded.txtar trace 38": true,
	"dropped-behind-tap.txtar trace 52": true, "retransmissions-stalls.txtar trace 16": true, "throughput-limited-paths.txtar trace 16": true,
	"syn-ack-unanswered.txtar trace 38": true, "syn-ack-unanswered.txtar trace 45": true, "syn-ack-unanswered.txtar trace 82": true,
}

// compare prints captures, reads the text back, and counts them and those with the same findings.
func (p *printer) compare(t *testing.T, list []*sample) (tried, same int) {
	var (
		dir   = t.TempDir()
		mu    sync.Mutex
		wg    sync.WaitGroup
		parts = make(chan []*sample)
	)
	few := len(list) <= 32
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for part := range parts {
				texts := p.printAll(dir, part, few)
				for i, c := range part {
					if text := texts[i]; len(text) > 0 && !(p.deltas() && onlyGrow(text)) {
						is := checkText(t, p, c, text)
						mu.Lock()
						tried++
						if is {
							same++
						}
						mu.Unlock()
					}
				}
			}
		})
	}
	for len(list) > 0 {
		n := batch(list)
		parts <- list[:n]
		list = list[n:]
	}
	close(parts)
	wg.Wait()
	return tried, same
}

// printAll prints each capture of a list. What cannot be printed is empty.
// Few are printed by the program itself.
func (p *printer) printAll(dir string, list []*sample, few bool) [][]byte {
	if _, isFields := packetBegins[p.argv0(4)]; len(list) > 1 && (isFields || !few) {
		if texts, ok := p.printBatch(dir, list); ok {
			return texts
		}
	}
	texts := make([][]byte, len(list))
	for i, c := range list {
		if text, err := p.print(c.path); err == nil {
			texts[i] = text
		}
	}
	return texts
}

// A sample is a capture with its findings.
type sample struct {
	name, path string
	findings   []string
	seen       []string
	multipath  bool // a segment has an option of Multipath TCP
}

// checkText compares what is found in the text of a capture, and reports whether it
// is the same as in the capture.
func checkText(t *testing.T, p *printer, c *sample, text []byte) bool {
	t.Helper()
	rep, err := analyse("-", text)
	if err != nil {
		if len(c.seen) > 0 {
			t.Errorf("%s: %v", c.name, err)
		}
		return len(c.findings) == 0
	}
	findings, seen := summary(rep)
	left := slices.Clone(c.seen)
	for _, s := range seen {
		i := slices.Index(left, s)
		if i < 0 {
			t.Errorf("%s: seen only in the text: %s\nin the capture: %s", c.name, s, strings.Join(c.findings, "\n  "))
			continue
		}
		left = slices.Delete(left, i, i+1)
		if testing.Verbose() {
			fmt.Println("RIGHT", p.name, s)
		}
	}
	same := slices.Equal(findings, c.findings)
	if p.whole && !same && !p.quotesWithoutSeq(text) {
		t.Errorf("%s: in the text:\n  %s\nin the capture:\n  %s", c.name, strings.Join(findings, "\n  "), strings.Join(c.findings, "\n  "))
	}
	return same
}

// quotesWithoutSeq reports whether the text has an ICMP error that quotes a segment, and does not print its sequence number.
func (p *printer) quotesWithoutSeq(text []byte) bool {
	mark := "ICMP"
	if p.program() == "tshark" {
		mark = "icmpv6" // of IPv4, it prints them
	}
	return bytes.Contains(text, []byte(mark))
}

// program is what must be installed, "" if nothing must.
func (p *printer) program() string {
	switch {
	case strings.HasPrefix(p.name, "tcpdump"):
		return "tcpdump"
	case ownPrinters[p.name] != nil, p.argv[0] == "fortigate":
		return ""
	}
	return p.argv[0]
}

func (p *printer) print(file string) ([]byte, error) {
	if own := ownPrinters[p.name]; own != nil {
		return own(file)
	}
	if p.argv[0] == "fortigate" {
		return fortiGate(file, p.argv[1][0]-'0')
	}
	argv := slices.Clone(p.argv)
	argv[slices.Index(argv, "$")] = file
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "TZ=UTC")
	return cmd.Output()
}

// deltas reports whether the stamps count from the packet before.
func (p *printer) deltas() bool {
	return slices.Contains(p.argv, "-ttt") || slices.Contains(p.argv, "d")
}

// onlyGrow reports whether such stamps never fall: they read like times since the first
// packet, for which the text is taken.
func onlyGrow(text []byte) bool {
	var last time.Duration
	for line := range bytes.Lines(text) {
		for _, word := range strings.Fields(string(line[:min(len(line), 40)])) {
			at, err := time.ParseDuration(word + "s")
			if clock, wrong := time.Parse("15:04:05", word); wrong == nil {
				at, err = clock.Sub(clock.Truncate(24*time.Hour)), nil
			}
			if err != nil || !strings.Contains(word, ".") {
				continue
			}
			if at < last-last/4 {
				return false
			}
			last = at
			break
		}
	}
	return true
}

func analyse(name string, stdin []byte) (*result.Report, error) {
	trace, errs := source.Open([]string{name}, capture.Options{Stdin: bytes.NewReader(stdin), Text: scenario.Pcapng})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	defer trace.Close()
	return source.Run(context.Background(), trace, engine.Options{Workers: 1, Detectors: catalogue.All, AllFlows: true}), nil
}

// summary lists the findings, and those that are seen.
func summary(rep *result.Report) (findings, seen []string) {
	for i := range rep.Findings {
		f := &rep.Findings[i]
		what := fmt.Sprintf("%s:%s of %v and %v", f.Detector, f.Outcome, f.Flow.End[0].Port, f.Flow.End[1].Port)
		findings = append(findings, fmt.Sprintf("%v %s %s", f.Verdict, what, f.ID))
		if f.Verdict == detectors.Seen {
			seen = append(seen, what)
		}
	}
	slices.Sort(findings)
	return findings, seen
}

// ownCaptures writes the traces of this repository as pcap files, which do not state
// when the capture ended: text does not, either.
func ownCaptures(t *testing.T) (list []*sample) {
	t.Helper()
	dir := t.TempDir()
	for _, f := range scenariotest.Files(t, "../../samples/*.txtar", "../../detectors/testdata/*.txtar") {
		for i, tr := range f.Traces {
			file, err := tr.Pcapng()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, fmt.Sprintf("%d.pcap", len(list)))
			if err := os.WriteFile(path, toPcap(file), 0o600); err != nil {
				t.Fatal(err)
			}
			s := newSample(t, fmt.Sprintf("%s trace %d", f.Name, i+1), path)
			s.multipath = slices.ContainsFunc(tr.Lines, func(l scenario.Line) bool { return l.Seg.Opts.Has&reassembly.HasMPTCP != 0 })
			list = append(list, s)
		}
	}
	return list
}

func newSample(t *testing.T, name, path string) *sample {
	t.Helper()
	rep, err := analyse(path, nil)
	if err != nil {
		t.Logf("%s: %v", name, err)
		return &sample{name: name, path: path}
	}
	findings, seen := summary(rep)
	return &sample{name: name, path: path, findings: findings, seen: seen}
}

// capturesIn are the captures in a folder, as pcap files.
func capturesIn(t *testing.T, dir string) (list []*sample) {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		const largest = 4 << 20
		if info, err := d.Info(); err != nil || info.Size() > largest {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		file := toPcap(content)
		if file == nil {
			return nil
		}
		name := filepath.Join(to, fmt.Sprintf("%d.pcap", len(list)))
		list = append(list, nil)
		if err := os.WriteFile(name, file, 0o600); err != nil {
			return err
		}
		list[len(list)-1] = newSample(t, path, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// toPcap makes a pcap file of a capture of one link type; nil if that is not
// possible.
func toPcap(content []byte) []byte {
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(content)})
	if len(errs) > 0 {
		return nil
	}
	defer trace.Close()
	le := binary.LittleEndian
	var b []byte
	var fr capture.Frame
	for trace.Next(&fr) == nil {
		if b == nil {
			b = le.AppendUint32(b, 0xa1b23c4d)
			b = le.AppendUint32(b, 2|4<<16)
			b = le.AppendUint64(b, 0)
			b = le.AppendUint32(b, 262144)
			b = le.AppendUint32(b, uint32(fr.Link))
		}
		b = le.AppendUint32(b, uint32(fr.At/1e9))
		b = le.AppendUint32(b, uint32(fr.At%1e9))
		b = le.AppendUint32(b, uint32(len(fr.Data)))
		b = le.AppendUint32(b, uint32(fr.Len))
		b = append(b, fr.Data...)
		if len(trace.Infos()[0].LinkTypes) > 1 {
			return nil
		}
	}
	return b
}

// fortiGate prints a capture as a FortiGate does (Fortinet, "Using the FortiOS
// built-in packet sniffer").
func fortiGate(file string, level byte) ([]byte, error) {
	trace, errs := capture.OpenTrace([]string{file}, capture.Options{})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	defer trace.Close()
	var b bytes.Buffer
	var fr capture.Frame
	var seg reassembly.Segment
	d := decode.New()
	start := int64(-1)
	for trace.Next(&fr) == nil {
		if start < 0 {
			start = fr.At
		}
		if d.Decode(uint32(fr.Link), fr.Data, fr.Len, fr.At, &seg) != decode.OK {
			fmt.Fprintf(&b, "%d.%09d port1 in 192.0.2.1 -> 192.0.2.2: icmp: echo request\n", (fr.At-start)/1e9, (fr.At-start)%1e9)
			if level == 3 {
				hexDump(&b, fr.Data)
			}
			continue
		}
		since := fr.At - start
		if level == 9 { // the option "a": absolute
			fmt.Fprintf(&b, "%s ", time.Unix(0, fr.At).UTC().Format("2006-01-02 15:04:05.000000000"))
		} else {
			fmt.Fprintf(&b, "%d.%09d ", since/1e9, since%1e9)
		}
		if level >= 4 {
			fmt.Fprint(&b, "port1 in ")
		}
		src, dst := seg.Src.AddrPort(), seg.Dst.AddrPort()
		fmt.Fprintf(&b, "%v.%d -> %v.%d:", src.Addr(), src.Port(), dst.Addr(), dst.Port())
		numbered := false
		for _, f := range []struct {
			bit  reassembly.Flags
			name string
		}{{reassembly.SYN, "syn"}, {reassembly.FIN, "fin"}, {reassembly.RST, "rst"}, {reassembly.PSH, "psh"}} {
			if seg.Flags.Has(f.bit) && !numbered {
				fmt.Fprintf(&b, " %s %d", f.name, uint32(seg.Seq))
				numbered = true
			}
		}
		if seg.Flags.Has(reassembly.ACK) {
			fmt.Fprintf(&b, " ack %d", uint32(seg.Ack))
		}
		fmt.Fprintln(&b)
		if level == 3 {
			hexDump(&b, fr.Data)
		}
	}
	return b.Bytes(), nil
}

// hexDump prints the bytes of a frame as level 3 does.
func hexDump(b *bytes.Buffer, data []byte) {
	for i := 0; i < len(data); i += 16 {
		fmt.Fprintf(b, "0x%04x\t", i)
		part := data[i:min(len(data), i+16)]
		for j := range part {
			fmt.Fprintf(b, "%02x", part[j])
			if j%2 == 1 {
				fmt.Fprint(b, " ")
			}
		}
		fmt.Fprintln(b, "\t................")
	}
}
