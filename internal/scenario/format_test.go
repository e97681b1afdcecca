package scenario

import (
	"reflect"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

const printed = `start 2020-02-29T12:00:00.5Z
host client {ttl 63}
host v6 [2001:db8::1]:80
host v6too [2001:db8::2]:40001
iss client 4294967290
0.000000000       client > server  SWE  0:0(0)          win 64240 <mss 1460,wscale 7,sackOK,ts 1 0>  | SYN_SENT LISTEN
0.010000000       server > client  S.   0:0(0)   ack 1  win 65160  # comment
drop 0.011000000  client > server  .    1:1(0)   ack 1  win 502
0.012000000       client > server  P.   1:11(10) ack 1  win 502   {id 9,vlan 7}  | ESTABLISHED SYN_RECEIVED~
0.012000001       client > server  P.   1:11(10) ack 1  win 502   {id 9,vlan 7,mac 2}
5.012000001       other
4.012000001       server > client  .    0:1(1)   ack 11 win 0     <sack -3:5 9:12>  # x  # want undecided a-b:c[6 2] ` + "`p#q;r`" + `; d; e
7.250000000       v6     > v6too   none 5:5(0)          win 1     {cut}
67.250000000      end  | TIME_WAIT CLOSED
`

func TestAppend(t *testing.T) {
	if got := string(parseOne(t, everything).Append(nil)); got != printed {
		t.Errorf("printed\n%s\nwant\n%s", got, printed)
	}
}

// plain is the trace without what a reader of other text sees differently.
func plain(tr *Trace) Trace {
	c := *tr
	c.Lines = nil
	for _, l := range tr.Lines {
		l.SrcLine, l.Text = 0, ""
		c.Lines = append(c.Lines, l)
	}
	return c
}

// roundTrip prints the file and reads it back: to the same.
func roundTrip(t *testing.T, f *File) {
	t.Helper()
	text := f.Append(nil)
	again, err := Parse(f.Name, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if again.Intro != f.Intro || len(again.Traces) != len(f.Traces) {
		t.Fatalf("intro %q became %q, %d traces became %d", f.Intro, again.Intro, len(f.Traces), len(again.Traces))
	}
	for i := range f.Traces {
		if got, want := plain(again.Traces[i]), plain(f.Traces[i]); !reflect.DeepEqual(got, want) {
			t.Fatalf("trace %d became\n%+v, was\n%+v, by way of\n%s", i+1, got, want, text)
		}
	}
	if second := again.Append(nil); string(second) != string(text) {
		t.Fatalf("printed a second time\n%s\nafter\n%s", second, text)
	}
}

func TestAppend_roundTrip(t *testing.T) {
	one, two := parseOne(t, everything), parseOne(t, "0 client > server S 0:0(0) win 1")
	for _, f := range []*File{
		{Name: "x", Traces: []*Trace{one}},
		{Name: "x", Traces: []*Trace{one, two}},
		{Name: "x", Intro: "A story\n\nof many words.", Traces: []*Trace{two}},
	} {
		roundTrip(t, f)
	}
}

func TestAppendSegment(t *testing.T) {
	tr := parseOne(t, "0 client > server F. 101:101(0) ack 1 win 509 <ts 7 3,sack 1:5>\n0 client > server R -3:-3(0) win 0")
	for i, want := range []string{"F.  101:101(0) ack 1 win 509 <ts 7 3,sack 1:5>", "R   -3:-3(0) win 0"} {
		l := &tr.Lines[i]
		if got := string(AppendSegment(nil, &l.Seg, l.SeqBase, l.AckBase)); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0.000", 121_000_000: "0.121", 61_121_000_000: "61.121", 1_000: "0.000001", 5_000_000_001: "5.000000001",
	} {
		if got := string(appendTime(nil, ns, decimals(ns))); got != want {
			t.Errorf("%d ns are %s, want %s", ns, got, want)
		}
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct {
		base, s reassembly.Seq
		want    int64
	}{
		{5, 5, 0}, {5, 4, -1}, {0xfffffff0, 0x10, 32}, {0, 3_000_000_000, 3_000_000_000}, {0, 0xff000000, -1 << 24},
	} {
		if got := relative(c.base, c.s); got != c.want {
			t.Errorf("%d is %d from %d, want %d", c.s, got, c.base, c.want)
		}
	}
}
