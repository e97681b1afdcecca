package textcap_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Wireshark's programs take longer to start than to print. With -all, one start prints many captures.

// batch is how many captures one start prints: some dozens, and so few bytes that what is printed of them fits into memory.
func batch(list []*sample) (n int) {
	const most, mostBytes = 64, 2 << 20
	for size := int64(0); n < min(len(list), most); n++ {
		if info, err := os.Stat(list[n].path); err == nil {
			size += info.Size()
		}
		if n > 0 && size > mostBytes {
			break
		}
	}
	return n
}

// printBatch prints captures with one start of a program, if the printer can; ok is false if not.
func (p *printer) printBatch(dir string, list []*sample) (texts [][]byte, ok bool) {
	first, isFields := packetBegins[p.argv0(4)]
	switch {
	case p.argv0(0) != "tshark":
		return nil, false
	case isFields:
		texts = printFields(dir, p.argv0(4), first, list)
	default:
		texts = printSummaries(p, list)
	}
	return texts, len(texts) == len(list)
}

func (p *printer) argv0(i int) string {
	if i >= len(p.argv) {
		return ""
	}
	return p.argv[i]
}

// packetBegins is what a line begins with where a packet does, in the formats of tshark -T.
var packetBegins = map[string]string{"json": "  {", "ek": `{"index"`, "pdml": "<packet>"}

// printFields prints one file of all captures, and divides the text.
func printFields(dir, format, first string, list []*sample) (texts [][]byte) {
	all := filepath.Join(dir, fmt.Sprintf("%p.pcapng", &list[0]))
	defer os.Remove(all)
	merge := exec.Command("mergecap", "-a", "-F", "pcapng", "-w", all)
	for _, c := range list {
		merge.Args = append(merge.Args, c.path)
	}
	if merge.Run() != nil {
		return nil
	}
	text, err := exec.Command("tshark", "-r", all, "-T", format).Output()
	if err != nil {
		return nil
	}
	left, at := 0, 0 // packets of the capture, its index
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(line, []byte(first)) {
			for ; left == 0 && at < len(list); at++ {
				texts = append(texts, nil)
				left = len(frameTimes(list[at].path))
			}
			left--
		}
		if len(texts) > 0 {
			last := &texts[len(texts)-1]
			*last = append(*last, line...)
		}
	}
	for len(texts) < len(list) { // without packets
		texts = append(texts, nil)
	}
	return texts
}

// printSummaries lets sharkd fill in the columns of each capture. It does not write the times that tshark -t does.
func printSummaries(p *printer, list []*sample) (texts [][]byte) {
	var asks bytes.Buffer
	if slices.Contains(p.argv, "tcp.relative_sequence_numbers:false") {
		fmt.Fprintln(&asks, `{"jsonrpc":"2.0","id":1,"method":"setconf","params":{"name":"tcp.relative_sequence_numbers","value":"FALSE"}}`)
	}
	for i, c := range list {
		fmt.Fprintf(&asks, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"load\",\"params\":{\"file\":%q}}\n", 2*i+1_000, c.path)
		fmt.Fprintf(&asks, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"frames\"}\n", 2*i+1_001)
	}
	cmd := exec.Command("sharkd", "-")
	cmd.Stdin = &asks
	said, err := cmd.Output()
	if err != nil {
		return nil
	}
	lines := bufio.NewScanner(bytes.NewReader(said))
	lines.Buffer(nil, len(said)+1)
	for lines.Scan() {
		var answer struct {
			ID     int
			Result json.RawMessage
		}
		if json.Unmarshal(lines.Bytes(), &answer) != nil || answer.ID < 1_001 || answer.ID%2 == 0 {
			continue
		}
		i := (answer.ID - 1_001) / 2
		var frames []struct {
			C   []string
			Num int
		}
		if json.Unmarshal(answer.Result, &frames) != nil || i >= len(list) {
			return nil
		}
		for len(texts) < i {
			texts = append(texts, nil)
		}
		var b bytes.Buffer
		times := frameTimes(list[i].path)
		for _, f := range frames {
			c := f.C
			fmt.Fprintf(&b, "%5d %s %s → %s %s %s %s\n", f.Num, p.stamp(times, f.Num-1), c[2], c[3], c[4], c[5], strings.Join(c[6:], " "))
		}
		texts = append(texts, b.Bytes())
	}
	for len(texts) < len(list) {
		texts = append(texts, nil)
	}
	return texts
}

// stamp is the time of a frame as tshark -t prints it.
func (p *printer) stamp(times []time.Time, i int) string {
	seconds := func(since time.Time) string {
		return strconv.FormatFloat(times[i].Sub(since).Seconds(), 'f', 9, 64)
	}
	switch {
	case slices.Contains(p.argv, "ad"):
		return times[i].UTC().Format("2006-01-02 15:04:05.000000000")
	case p.deltas():
		return seconds(times[max(i-1, 0)])
	}
	return seconds(times[0])
}

// frameTimes are those of a file that toPcap wrote.
func frameTimes(path string) (times []time.Time) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	const fileHeader, recordHeader = 24, 16
	le := binary.LittleEndian
	for b = b[min(fileHeader, len(b)):]; len(b) >= recordHeader; {
		times = append(times, time.Unix(int64(le.Uint32(b)), int64(le.Uint32(b[4:]))))
		b = b[min(recordHeader+int(le.Uint32(b[8:])), len(b)):]
	}
	return times
}
