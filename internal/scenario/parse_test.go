package scenario

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// parseOne reads a bare trace that must load.
func parseOne(t *testing.T, text string) *Trace {
	t.Helper()
	f, err := Parse("x", []byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if len(f.Traces) != 1 {
		t.Fatalf("%d traces", len(f.Traces))
	}
	return f.Traces[0]
}

func endpoint(s string) reassembly.Endpoint {
	return reassembly.EndpointFrom(netip.MustParseAddrPort(s))
}

const everything = `
// prose
start 2020-02-29T12:00:00.5Z
host client {ttl 63}
host v6 [2001:db8::1]:80
host v6too [2001:db8::2]:40001
iss client 4294967290

0.000    client > server  SEW 0:0(0) win 64240 <mss 1460,sackOK,ts 1 0,nop,wscale 7>  | SYN_SENT LISTEN
+.01     server > client  S.  0:0(0) ack 1 win 65160  # comment
drop +.001 client > server . 1:1(0) ack 1 win 502
+.001    client > server  P.  1:11(10) ack 1 win 502 {id 9,vlan 7} | ESTABLISHED SYN_RECEIVED~
+.000000001 copy {mac 2}
+5       other
-1       server > client  .   0:1(1) ack 11 win 0 <sack -3:5 9:12>  # x # want undecided a-b:c[6 2] ` + "`p#q;r`" + `; d # want e
7.25     v6 > v6too       none 5:5(0) win 1 {cut}
+60      end  | TIME_WAIT CLOSED
`

func TestParse_everything(t *testing.T) {
	tr := parseOne(t, everything)
	start := time.Date(2020, 2, 29, 12, 0, 0, 500_000_000, time.UTC).UnixNano()
	client, server := endpoint("10.0.0.1:40000"), endpoint("10.0.0.2:443")
	iss, peer := reassembly.Seq(4294967290), reassembly.Seq(200_000_000)
	data := reassembly.Segment{
		At: start + 12_000_000, Frame: 3, Src: client, Dst: server, Flags: reassembly.PSH | reassembly.ACK,
		Seq: 4294967291, Ack: peer + 1, Len: 10, Window: 502, IPID: 9, TTL: 63, Tunnel: 7, Link: 1,
	}
	copied := data
	copied.At, copied.Frame, copied.Link = data.At+1, 4, 2
	want := []reassembly.Segment{
		{
			At: start, Frame: 1, Src: client, Dst: server, Flags: reassembly.SYN | reassembly.ECE | reassembly.CWR,
			Seq: iss, Window: 64240, IPID: 1, TTL: 63, Link: 1,
			Opts: reassembly.Options{
				Has: reassembly.HasMSS | reassembly.HasScale | reassembly.HasSACKPermitted | reassembly.HasTimestamps,
				MSS: 1460, Scale: 7, TSVal: 1,
			},
		},
		{
			At: start + 10_000_000, Frame: 2, Src: server, Dst: client, Flags: reassembly.SYN | reassembly.ACK,
			Seq: peer, Ack: iss + 1, Window: 65160, IPID: 1, TTL: 64, Link: 1,
		},
		data,
		copied,
		{
			At: start + 4_012_000_001, Frame: 6, Src: server, Dst: client, Flags: reassembly.ACK,
			Seq: peer, Ack: 5, Len: 1, IPID: 2, TTL: 64, Link: 1,
			Opts: reassembly.Options{NBlocks: 2, Blocks: [4]reassembly.Block{{From: 4294967287, To: 4294967295}, {From: 3, To: 6}}},
		},
		{
			At: start + 7_250_000_000, Frame: 7, Src: endpoint("[2001:db8::1]:80"), Dst: endpoint("[2001:db8::2]:40001"),
			Seq: 300_000_005, Window: 1, TTL: 64, Link: 1, Opts: reassembly.Options{Has: reassembly.OptionsCut},
		},
	}
	got := tr.Segments()
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("segment %d is\n%+v, want\n%+v", i+1, got[i:], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d segments, want %d", len(got), len(want))
	}
	if tr.Start != start || tr.End != start+67_250_000_000 {
		t.Errorf("from %d to %d", tr.Start, tr.End)
	}
}

func TestParse_lines(t *testing.T) {
	lines := parseOne(t, everything).Lines
	dropped, data, other, last, end := lines[2], lines[3], lines[5], lines[6], lines[8]
	if dropped.Captured || dropped.Seg.Frame != 0 || dropped.Seg.IPID != 2 {
		t.Errorf("a dropped segment is %+v", dropped)
	}
	if !other.Other || !other.Captured || other.Seg.Frame != 5 {
		t.Errorf("another frame is %+v", other)
	}
	if data.SrcLine != 12 || !strings.HasPrefix(data.Text, "+.001    client") {
		t.Errorf("line %d is %q", data.SrcLine, data.Text)
	}
	if data.States != [2]string{"ESTABLISHED", "SYN_RECEIVED"} || data.Bounded != [2]bool{false, true} ||
		data.StateEnds != [2]reassembly.Endpoint{endpoint("10.0.0.1:40000"), endpoint("10.0.0.2:443")} {
		t.Errorf("states are %q %v of %v", data.States, data.Bounded, data.StateEnds)
	}
	if !end.End || end.StateEnds[0] != endpoint("[2001:db8::1]:80") {
		t.Errorf("at the end, states are of %v, want those of the last segment", end.StateEnds)
	}
	wants := []Want{
		{Detector: "a-b", Outcome: "c", Undecided: true, Frames: []uint32{6, 2}, Message: "p#q;r"},
		{Detector: "d"},
		{Detector: "e"},
	}
	if !reflect.DeepEqual(last.Wants, wants) || last.Comment != "x" {
		t.Errorf("wants are %+v, comment %q", last.Wants, last.Comment)
	}
}

func TestParse_sections(t *testing.T) {
	const line = "0 client > server S 0:0(0) win 1\n"
	for _, c := range []struct {
		text, intro string
		traces      int
	}{
		{line, "", 1},
		{"\xef\xbb\xbf" + line, "", 1},
		{"Intro\r\nof two lines.\r\n\r\n-- trace --\r\n" + line, "Intro\nof two lines.", 1},
		{"-- trace --\n" + line + "-- trace --\n" + line, "", 2},
	} {
		f, err := Parse("x", []byte(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if f.Intro != c.intro || len(f.Traces) != c.traces {
			t.Errorf("%q: intro %q, %d traces", c.text, f.Intro, len(f.Traces))
		}
		for _, tr := range f.Traces {
			if frame := tr.Segments()[0].Frame; frame != 1 {
				t.Errorf("%q: a trace begins with frame %d", c.text, frame)
			}
		}
	}
}

func TestParse_reuseOfTheTuple(t *testing.T) {
	tr := parseOne(t, `
0  client > server S 0:0(0) win 1
+1 server > client R. 0:0(0) ack 1 win 0
iss client 7000
+1 client > server S 0:0(0) win 1
+1 server > client R. 0:0(0) ack 1 win 0
`)
	segs := tr.Segments()
	if segs[2].Seq != 7000 || segs[3].Ack != 7001 || segs[0].Seq != 100_000_000 {
		t.Errorf("ISNs are %d, then %d", segs[0].Seq, segs[2].Seq)
	}
}

func TestParse_ids(t *testing.T) {
	tr := parseOne(t, `
host server {id 0}
host client {id 65534}
0  client > server . 1:1(0) ack 1 win 1
+1 client > server . 1:1(0) ack 1 win 1
+1 client > server . 1:1(0) ack 1 win 1
+1 client > server . 1:1(0) ack 1 win 1 {id 9}
+1 client > server . 1:1(0) ack 1 win 1 {id 3}
+1 client > server . 1:1(0) ack 1 win 1 {id 0}
+1 client > server . 1:1(0) ack 1 win 1
+1 server > client . 1:1(0) ack 1 win 1
+1 server > client . 1:1(0) ack 1 win 1 {id 5}
+1 server > client . 1:1(0) ack 1 win 1
`)
	var got []uint16
	for _, seg := range tr.Segments() {
		got = append(got, seg.IPID)
	}
	if want := []uint16{65534, 65535, 1, 9, 3, 0, 10, 0, 5, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("identifications are %v, want %v", got, want)
	}
}

func TestParse_wrong(t *testing.T) {
	const syn = "0 client > server S 0:0(0) win 1"
	for _, c := range []struct{ text, want string }{
		{"", "x:1:1: the trace before this line is empty"},
		{syn + " # \x1b[2J", "x:1:36: a control character"},
		{"\xff", "x:1:1: not UTF-8"},
		{"prose", `x:1:1: a line begins with a time, or with start, host, iss or drop, not with "prose"`},
		{"0 client > server", "x:1:18: FLAGS is missing"},
		{"0 client < server S 0:0(0) win 1", "x:1:10: want SIDE > SIDE"},
		{"0 client > svr S 0:0(0) win 1", `x:1:12: no host is named "svr"; write: host NAME ADDR:PORT`},
		{"0 client > server SX 0:0(0) win 1", `x:1:19: flags are "SX", want letters of SFRP.UEW, each once, or none`},
		{"0 client > server SS 0:0(0) win 1", `x:1:19: flags are "SS", want`},
		{"0 client > server P 1:101(99) win 1", "x:1:21: END is 101, but FIRST+LEN is 100"},
		{"0 client > server P 1:101(101) win 1", "x:1:21: END is 101, but FIRST+LEN is 102"},
		{"0 client > server S 0:1(0) win 1", "(LEN counts payload only, not SYN and FIN)"},
		{"0 client > server S 0-0(0) win 1", `x:1:21: "0-0(0)" is not FIRST:END(LEN)`},
		{"0 client > server S 0:0(0)x win 1", `"0:0(0)x" is not FIRST:END(LEN)`},
		{"0 client > server S 4294967296:0(0) win 1", `FIRST is "4294967296", want a number from`},
		{"0 client > server S 0:0(0) ack 1 win 1", "ack N goes with the dot in the flags"},
		{"0 client > server S. 0:0(0) win 1", "ack N goes with the dot in the flags"},
		{"0 client > server S 0:0(0)", "x:1:27: win N is missing"},
		{"0 client > server S 0:0(0) win 65536", `x:1:32: win is "65536", want a number from 0 to 65535`},
		{"0 client > server S 0:0(0) win 1 <mss 1", "x:1:34: '<' without '>'"},
		{"0 client > server S 0:0(0) win 1 <mss>", `option "mss" is none of`},
		{"0 client > server S 0:0(0) win 1 <mss 1,mss 1>", "option mss appears twice"},
		{"0 client > server S 0:0(0) win 1 <,>", "an option is missing between < and >"},
		{"0 client > server S 0:0(0) win 1 <ts 1 1,sack 1:2 3:4 5:6 7:8>", "the options need 44 bytes; a TCP header has room for 40"},
		{"0 client > server S 0:0(0) win 1 <sack 1:2 3:4 5:6 7:8,mss 1,sackOK> {cut}", "the options need 41 bytes"},
		{"0 client > server S 0:0(0) win 1 {tos 1}", `attribute "tos 1" is none of`},
		{"0 client > server S 0:0(0) win 1 {vlan 4095}", `vlan is "4095", want a number from 0 to 4094`},
		{"0 client > server S 0:0(0) win 1 | SYN_SENT", "x:1:44: a STATE is missing"},
		{"0 client > server S 0:0(0) win 1 | SynSent LISTEN", `"SynSent" is not a state such as`},
		{syn + " {cut,malformed}", "options are cut or malformed, not both"},
		{syn + " extra", `x:1:34: unexpected "extra"`},
		{"0.0000000001 client > server S 0:0(0) win 1", "at most nine decimals"},
		{"+ client > server S 0:0(0) win 1", "a line begins with a time"},
		{"1e3 client > server S 0:0(0) win 1", `"1e3" is not a time`},
		{"9999999999 client > server S 0:0(0) win 1", "9999999999 seconds are too many"},
		{"9223372036 client > server S 0:0(0) win 1", "beyond the year 2262"},
		{syn + "\n-1 other", "x:2:1: -1 is before the trace's start"},
		{syn + "\n+1 end\n+1 other", "x:3:1: the trace ended on the previous line"},
		{"5 other\n1 other\n4 end", "the trace ends before its last frame"},
		{"0 copy", "there is no segment to copy yet"},
		{"0 other | A B", "there is no connection yet"},
		{"0 drop client > server S 0:0(0) win 1", "drop comes before the time"},
		{"drop 0 other", "only a segment can be dropped"},
		{syn + "\ndrop 1 copy", "only a segment can be dropped"},
		{"drop " + syn + " | SYN_SENT LISTEN", "a dropped segment is not in the capture"},
		{"drop " + syn + " # want a", "want needs a captured segment"},
		{syn + "\n+1 end # want a", "x:2:10: want needs a captured segment"},
		{syn + " # want", "the detector's name is missing after want"},
		{syn + " # want a b", `unexpected "b"`},
		{syn + " # want a:", "the outcome is missing after want"},
		{syn + " # want a[2]", "the evidence begins with this line's frame, 1"},
		{syn + " # want a[1 2]", "x:1:1: want frame 2: the trace has 1"},
		{syn + " # want a ``", "`` matches any message; leave it out"},
		{syn + " # want a `b", "'`' without '`'"},
		{"start yesterday", `start is "yesterday", want RFC 3339`},
		{"start 1969-12-31T23:59:59Z", "from 1970 to 2262"},
		{"start 2300-01-01T00:00:00Z", "from 1970 to 2262"},
		{syn + "\nstart 2001-01-01T00:00:00Z", "start comes before the first frame"},
		{"host end 1.2.3.4:5", `"end" is not a host name`},
		{"host a 1.2.3.4", `"1.2.3.4" is not ADDR:PORT`},
		{"host a [fe80::1%eth0]:1", "is not ADDR:PORT"},
		{"host a 1.2.3.4:5 6", `unexpected "6"`},
		{"host a 1.2.3.4:5 {cut}", "are attributes of segments"},
		{"host a [::1]:5 {id 1}", "IPv6 has no identification"},
		{syn + "\nhost client 1.2.3.4:5", "client already has segments"},
		{"host a [::1]:5\n0 client > a S 0:0(0) win 1", "client and a are of different address families"},
		{"iss client x", `the ISN is "x"`},
		{"-- trcae --\n" + syn, `x:1:1: section "trcae" is not a trace; write -- trace --`},
		{"-- trace --\n-- trace --\n" + syn, "x:2:1: the trace before this line is empty"},
	} {
		_, err := Parse("x", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x:") {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestParse_tooMuch(t *testing.T) {
	for what, text := range map[string]string{
		"frames": strings.Repeat("0 other\n", maxItems+1),
		"traces": strings.Repeat("-- trace --\n0 other\n", maxItems+1),
		"wants":  "0 client > server S 0:0(0) win 1\n" + strings.Repeat("0 copy # want a"+strings.Repeat(";a", 7<<10)+"\n", maxItems>>12),
		"line":   "# " + strings.Repeat("c", maxLine),
		"text":   strings.Repeat("c\n", maxText/2+1),
	} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), " too ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
