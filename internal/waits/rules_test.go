package waits_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
	"github.com/tcptrace-go/tcptrace/internal/scenario/scenariotest"
)

// The handshakes of the traces: 100 ms between the tap and the server, nothing to the
// client; and the other way round.
const (
	nearClient = `0     client > server S  0:0(0)       win 64240 <mss 1460>
.1    server > client S. 0:0(0) ack 1 win 65160 <mss 1460>
.1    client > server .  1:1(0) ack 1 win 64240
`
	nearServer = `0     client > server S  0:0(0)       win 64240 <mss 1460>
0     server > client S. 0:0(0) ack 1 win 65160 <mss 1460>
.1    client > server .  1:1(0) ack 1 win 64240
`
)

// TestRules: what each rule of the account says of a trace. Amounts are in milliseconds,
// and those below a millisecond do not count.
func TestRules(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{"a refusal is part of connecting", `0 client > server S 0:0(0) win 64240 <mss 1460>
.1 server > client R. 0:0(0) ack 1 win 0`, "connect 100"},
		{"a SYN that is sent again was lost, if the handshake completes", `0 client > server S 0:0(0) win 64240 <mss 1460>
1 client > server S 0:0(0) win 64240 <mss 1460>
1.1 server > client S. 0:0(0) ack 1 win 65160 <mss 1460>
1.1 client > server . 1:1(0) ack 1 win 64240`, "connect 100, loss 1000"},
		{"and nobody answers it, if not", `0 client > server S 0:0(0) win 64240 <mss 1460>
1 client > server S 0:0(0) win 64240 <mss 1460>
4 end`, "peer-silent 4000"},
		{"client, network and server: the answer cannot begin before the request has arrived", nearClient +
			`.4 client > server P. 1:101(100) ack 1 win 64240
1.0 server > client P. 1:401(400) ack 101 win 65160
1.0 client > server . 101:101(0) ack 401 win 64240`, "connect 100, client-app 300, network 100, server-app 500"},
		{"the same where the tap is beside the server", nearServer +
			`.4 client > server P. 1:101(100) ack 1 win 64240
.9 server > client P. 1:401(400) ack 101 win 65160
1.0 client > server . 101:101(0) ack 401 win 64240`, "connect 100, client-app 300, server-app 500, network 100"},
		{"a pure ACK shows this exchange's own round trip", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
.22 server > client . 1:1(0) ack 101 win 65160
1.0 server > client P. 1:401(400) ack 101 win 65160
1.0 client > server . 101:101(0) ack 401 win 64240`, "connect 100, network 120, server-app 780"},
		{"what arrives with its resend left a timeout before", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
.2 server > client . 1:1(0) ack 101 win 65160
2.0 server > client P. 1:401(400) ack 101 win 65160
2.04 server > client P. 1:401(400) ack 101 win 65160
2.04 client > server . 101:101(0) ack 401 win 64240`, "connect 100, server-app 900, network 1040"},
		{"but not one that was delayed", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
.24 server > client . 1:1(0) ack 101 win 65160
1.0 server > client P. 1:401(400) ack 101 win 65160
1.0 client > server . 101:101(0) ack 401 win 64240`, "connect 100, network 100, server-app 800"},
		{"a request that is acknowledged and not answered waits for the server, also if the client resets", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
.2 server > client . 1:1(0) ack 101 win 65160
5.2 client > server R. 101:101(0) ack 1 win 0`, "connect 100, network 100, server-app 5000"},
		{"after the answer, what no payload ends is idle", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
.2 server > client P. 1:401(400) ack 101 win 65160
.2 client > server . 101:101(0) ack 401 win 64240
3.2 client > server F. 101:101(0) ack 401 win 64240
3.3 server > client F. 401:401(0) ack 102 win 65160
3.3 client > server . 102:102(0) ack 402 win 64240`, "connect 100, network 100, idle 3000, close 100"},
		{"an answer after half a close is still an answer", nearClient +
			`.1 client > server FP. 1:101(100) ack 1 win 64240
.2 server > client . 1:1(0) ack 102 win 65160
1.2 server > client P. 1:401(400) ack 102 win 65160
1.2 client > server . 102:102(0) ack 401 win 64240
1.3 server > client F. 401:401(0) ack 102 win 65160
1.3 client > server . 102:102(0) ack 402 win 64240`, "connect 100, network 100, server-app 1000, close 100"},
		{"the window is full: the sender waits for it while the ACK that opens it is on its way, too", strings.ReplaceAll(nearServer, "64240", "2920") +
			bulk(4, 2, "2920", 0), "connect 100, receiver-window 300, network 100"},
		{"the window has room: it waits for ACKs", nearServer + bulk(4, 2, "64240", 0), "connect 100, sender-window 300, network 100"},
		{"what was captured late leaves no hole", nearServer + swapped(bulk(4, 3, "64240", 0)), "connect 100, sender-window 300, network 100"},
		{"a flight of which the second segment was captured first stopped where it begins", strings.ReplaceAll(nearServer, "64240", "2920") +
			firstSwapped(bulk(4, 2, "2920", 0)), "connect 100, receiver-window 300, network 100"},
		{"it has nothing more to send", nearServer + bulk(4, 2, "64240", 250), "connect 100, server-app 1050, network 100, idle 250"},
		{"data that is sent again was lost from one round trip on", nearServer +
			`.1 server > client P. 1:401(400) ack 1 win 65160
.5 server > client P. 1:401(400) ack 1 win 65160
.6 client > server . 1:1(0) ack 401 win 64240`, "connect 100, network 100, loss 400"},
		{"a hole in what the tap sees is loss until it is filled", nearClient +
			`.2 server > client . 1:1461(1460) ack 1 win 65160
.2 client > server . 1:1(0) ack 1461 win 64240
.2001 server > client . 2921:4381(1460) ack 1 win 65160
.2001 client > server . 1:1(0) ack 1461 win 64240
.3201 server > client . 1461:2921(1460) ack 1 win 65160
.3201 client > server . 1:1(0) ack 4381 win 64240`, "connect 100, network 100, loss 120"},
		{"what was not captured is unknown once", nearClient +
			`.1 client > server P. 1:101(100) ack 1 win 64240
drop .2 server > client P. 1:401(400) ack 101 win 65160
.3 client > server P. 101:201(100) ack 401 win 64240
1.0 server > client P. 401:801(400) ack 201 win 65160
1.5 client > server P. 201:301(100) ack 801 win 64240
2.0 server > client P. 801:1201(400) ack 301 win 65160`, "connect 100, unknown 200, network 200, server-app 1000, client-app 500"},
		{"data that nobody acknowledges meets silence", nearServer +
			`.1 server > client P. 1:401(400) ack 1 win 65160
.5 server > client P. 1:401(400) ack 1 win 65160
1.3 server > client P. 1:401(400) ack 1 win 65160
2.1 end`, "connect 100, network 100, peer-silent 1900"},
		{"probes of a shut window wait for it", nearServer +
			`.1 server > client P. 1:401(400) ack 1 win 65160
.2 client > server . 1:1(0) ack 401 win 0
.5 server > client . 400:400(0) ack 1 win 65160
.6 client > server . 1:1(0) ack 401 win 0
1.1 server > client . 400:400(0) ack 1 win 65160
1.2 client > server . 1:1(0) ack 401 win 64240
1.2 server > client P. 401:801(400) ack 1 win 65160
1.3 client > server . 1:1(0) ack 801 win 64240`, "connect 100, receiver-window 1100, network 100"},
		{"probes that nobody answers meet silence", nearServer +
			`.1 server > client P. 1:401(400) ack 1 win 65160
.2 client > server . 1:1(0) ack 401 win 0
.5 server > client . 400:400(0) ack 1 win 65160
1.1 server > client . 400:400(0) ack 1 win 65160
4.5 end`, "connect 100, receiver-window 500, peer-silent 3900"},
		{"Nagle waits for an ACK that is delayed", nearServer +
			`.1 server > client P. 1:101(100) ack 1 win 65160
.24 client > server . 1:1(0) ack 101 win 64240
.24 server > client P. 101:201(100) ack 1 win 65160
.34 client > server . 1:1(0) ack 201 win 64240`, "connect 100, sender-window 100, delayed-ack 40, network 100"},
		{"one side alone says nothing", `0 client > server S 0:0(0) win 64240 <mss 1460>
.1 client > server . 1:1(0) ack 1 win 64240
.1 client > server P. 1:101(100) ack 1 win 64240
1 client > server P. 101:201(100) ack 401 win 64240`, "unknown 1000"},
		{"without the handshake nobody knows who is the client", `0 client > server P. 1:101(100) ack 1 win 64240
.5 server > client P. 1:401(400) ack 101 win 65160
.5 client > server . 101:101(0) ack 401 win 64240
1 client > server P. 101:201(100) ack 401 win 64240`, "network 500, unknown 500"},
		{"without pure ACKs nobody knows what waited for them", filtered("drop "), "connect 100, network 200, peer-silent 500, unknown 200"},
		{"with them it is known", filtered(""), "connect 100, sender-window 300, network 100, idle 500"},
		{"what the sender's clock does not explain was on its way", timestamps(), "connect 100, network 998, server-app 802"},
		{"a clock that ran for a moment before is known to tick in milliseconds", briefly(), "connect 100, network 300, server-app 20002"},
		{"what the sender's IP IDs skip was lost before the tap", skips(800), "connect 100, network 400, loss 800"},
		{"what they do not skip was not sent", skips(0), "connect 100, network 400, server-app 800"},
		{"a socket that counts for itself skips what was lost, too", ownIDs(0, 401, 20), "connect 100, network 200, loss 1000"},
		{"if it counts in steps of two, nothing is missing", strings.Replace(ownIDs(0, 401, 7), "{id 4}", "{id 5}", 1), "connect 100, network 200, server-app 1000"},
		{"as far as retransmissions may have gone", ownIDs(0, 401, 21), "connect 100, network 200, server-app 1000"},
		{"one that sent its SYN-ACK with a number may share it with others", ownIDs(2, 401, 20), "connect 100, network 200, server-app 1000"},
		{"after segments larger than the wire's they say nothing", ownIDs(0, 2001, 20), "connect 100, network 200, server-app 1000"},
	} {
		account(t, c.name, c.trace, c.want)
	}
}

// account compares the account of a trace's only connection with what is wanted.
func account(t *testing.T, name, trace, wanted string) {
	t.Helper()
	f, err := scenario.Parse(name, []byte(trace+"\n"))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	r := scenariotest.Analyse(t, f.Traces[0], engine.Options{Time: true})
	want := map[string]bool{}
	for _, w := range strings.Split(wanted, ", ") {
		want[w] = true
	}
	var got []string
	same := true
	for w, ns := range r.Flows[0].Time.Waits {
		if ms := time.Duration(ns).Round(time.Millisecond).Milliseconds(); ms > 0 {
			words := fmt.Sprint(detectors.Wait(w), " ", ms)
			got, same = append(got, words), same && want[words]
		}
	}
	if !same || len(got) != len(want) {
		t.Errorf("%s:\n got %s,\nwant %s", name, strings.Join(got, ", "), wanted)
	}
}

// Where the server's IP IDs do not count, a pause that is longer than a round trip and 150 ms
// may have been loss before the tap, unless the tap is beside it.
func TestInvisible(t *testing.T) {
	const answer = `.2 client > server P. 1:101(100) ack 1 win 64240
%s server > client P. 1:401(400) ack 101 win 65160
%s client > server . 101:101(0) ack 401 win 64240
`
	const counting = `.1 client > server P. 1:101(100) ack 1 win 64240
.2 server > client . 1:1(0) ack 101 win 65160
.2 server > client . 1:1(0) ack 101 win 65161
.2 server > client . 1:1(0) ack 101 win 65162
.2 server > client . 1:1(0) ack 101 win 65163
`
	for _, c := range []struct {
		name, trace, at string
		want            bool
	}{
		{"no IDs", "host server 10.0.0.2:443 {id 0}\n" + nearClient, "1.0", true},
		{"a pause of 250 ms", "host server 10.0.0.2:443 {id 0}\n" + nearClient, ".55", false},
		{"a little more", "host server 10.0.0.2:443 {id 0}\n" + nearClient, ".551", true},
		{"beside the server", "host server 10.0.0.2:443 {id 0}\n" + nearServer, "1.0", false},
		{"IDs that count", nearClient + counting, "1.0", false},
		{"IDs that do not, in the same trace", "host server 10.0.0.2:443 {id 0}\n" + nearClient + counting, "1.0", true},
	} {
		f, err := scenario.Parse(c.name, []byte(c.trace+fmt.Sprintf(answer, c.at, c.at)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		r := scenariotest.Analyse(t, f.Traces[0], engine.Options{Time: true})
		if got := r.Flows[0].Limits&fsm.LossInvisible != 0; got != c.want {
			t.Errorf("%s: loss is invisible: %t", c.name, got)
		}
	}
}

// bulk is a transfer of the server's to a tap beside it, in flights of full segments, with
// a pause of so many milliseconds after each ACK.
func bulk(flights, segments int, window string, pause int) string {
	var b strings.Builder
	at, seq := 100, 1
	for range flights {
		for range segments {
			fmt.Fprintf(&b, "%d.%03d server > client . %d:%d(1460) ack 1 win 65160\n", at/1000, at%1000, seq, seq+1460)
			seq += 1460
		}
		at += 100
		fmt.Fprintf(&b, "%d.%03d client > server . 1:1(0) ack %d win %s\n", at/1000, at%1000, seq, window)
		at += pause
	}
	if pause > 0 {
		fmt.Fprintf(&b, "%d.%03d end\n", at/1000, at%1000)
	}
	return b.String()
}

// firstSwapped is a trace in which the two segments of each flight were captured in the wrong order.
func firstSwapped(trace string) string {
	lines := numbered(trace)
	for i := range len(lines) - 1 {
		if strings.Contains(lines[i], "server >") && strings.Contains(lines[i+1], "server >") {
			lines[i], lines[i+1] = lines[i+1], lines[i]
		}
	}
	return strings.Join(lines, "")
}

// numbered are the lines of a trace, with the IP identifications that the server gave its segments.
func numbered(trace string) []string {
	lines := strings.SplitAfter(strings.TrimSuffix(trace, "\n"), "\n")
	for i, line := range lines {
		if strings.Contains(line, "server >") {
			lines[i] = strings.Replace(line, "win 65160", fmt.Sprintf("win 65160 {id %d}", 100+i), 1)
		}
	}
	return lines
}

// swapped is a trace in which the second and third segment of each flight of three were
// captured in the wrong order.
func swapped(trace string) string {
	lines := numbered(trace)
	for i := 0; i+2 < len(lines); i += 4 {
		lines[i+1], lines[i+2] = lines[i+2], lines[i+1]
	}
	return strings.Join(lines, "")
}

// filtered is a transfer of the server's that answers a request, whose ACKs are captured,
// or not.
func filtered(drop string) string {
	trace := strings.Replace(nearServer, ".1    client", drop+".1    client", 1) + ".1 client > server P. 1:101(100) ack 1 win 64240\n"
	for line := range strings.Lines(strings.NewReplacer("ack 1 win", "ack 101 win", "1:1(0)", "101:101(0)").Replace(bulk(4, 2, "64240", 0))) {
		if strings.Contains(line, "client >") {
			trace += drop
		}
		trace += line
	}
	return trace + "1 end\n"
}

// timestamps is a second answer that its server sent 600 ms after the first, by its own
// clock, and that took 1.4 s.
func timestamps() string {
	return `0 client > server S 0:0(0) win 64240 <mss 1460,ts 1000 0>
.1 server > client S. 0:0(0) ack 1 win 65160 <mss 1460,ts 5000 1000>
.1 client > server . 1:1(0) ack 1 win 64240 <ts 1100 5000>
.1 client > server P. 1:101(100) ack 1 win 64240 <ts 1100 5000>
.2 server > client P. 1:2(1) ack 101 win 65160 <ts 5100 1100>
.5 server > client P. 2:401(399) ack 101 win 65160 <ts 5400 1100>
.5 client > server . 101:101(0) ack 401 win 64240 <ts 1500 5400>
.5 client > server P. 101:201(100) ack 401 win 64240 <ts 1500 5400>
1.9 server > client P. 401:801(400) ack 201 win 65160 <ts 6000 1500>
1.9 client > server . 201:201(0) ack 801 win 64240 <ts 2900 6000>`
}

// briefly is an answer after 20 s of a server whose clock was seen for 240 ms before, with
// packets that were 2 ms late by then.
func briefly() string {
	return `0 client > server S 0:0(0) win 64240 <mss 1460,ts 1000 0>
.1 server > client S. 0:0(0) ack 1 win 65160 <mss 1460,ts 5000 1000>
.1 client > server . 1:1(0) ack 1 win 64240 <ts 1100 5000>
.1 client > server P. 1:101(100) ack 1 win 64240 <ts 1100 5000>
.202 server > client P. 1:401(400) ack 101 win 65160 <ts 5100 1100>
.202 client > server P. 101:201(100) ack 401 win 64240 <ts 1202 5100>
.302 server > client P. 401:801(400) ack 201 win 65160 <ts 5204 1202>
.302 client > server P. 201:301(100) ack 801 win 64240 <ts 1302 5204>
20.402 server > client P. 801:1201(400) ack 301 win 65160 <ts 25302 1302>`
}

// ownIDs is a server whose SYN-ACK has the IP identification synID, its first answer, up to end, 3, and
// its second, a second after the request, id.
func ownIDs(synID, end, id int) string {
	return fmt.Sprintf(`0    client > server S  0:0(0)       win 64240 <mss 1460>
.1   server > client S. 0:0(0) ack 1 win 65160 <mss 1460> {id %d}
.1   client > server .  1:1(0) ack 1 win 64240
.1   client > server P. 1:101(100) ack 1 win 64240
.2   server > client P. 1:%[2]d(%[3]d) ack 101 win 65160 {id 3}
.2   client > server P. 101:201(100) ack %[2]d win 64240
.3   server > client .  %[2]d:%[2]d(0) ack 201 win 65160 {id 4}
1.3  server > client P. %[2]d:%[4]d(100) ack 201 win 65160 {id %[5]d}
1.3  client > server .  201:201(0) ack %[4]d win 64240`, synID, end, end-1, end+100, id)
}

// skips are four exchanges, of which the last answer comes so many milliseconds late: lost
// once before the tap; or 800 if that is 0, and not lost.
func skips(late int) string {
	var b strings.Builder
	b.WriteString(nearClient)
	for i := range 4 {
		at, from := 100+100*i, 1+100*i
		fmt.Fprintf(&b, ".%03d client > server P. %d:%d(100) ack %d win 64240\n", at, from, from+100, from)
		line := fmt.Sprintf("server > client P. %d:%d(100) ack %d win 65160\n", from, from+100, from+100)
		if i == 0 {
			b.WriteString(".200 server > client . 1:1(0) ack 101 win 65160\n")
		}
		if at += 100; i == 3 {
			if late > 0 {
				fmt.Fprintf(&b, "drop .%03d %s", at, line)
			}
			at += cmp.Or(late, 800)
		}
		fmt.Fprintf(&b, "%d.%03d %s", at/1000, at%1000, line)
		fmt.Fprintf(&b, "%d.%03d client > server . %d:%d(0) ack %d win 64240\n", at/1000, at%1000, from+100, from+100, from+100)
	}
	return b.String()
}
