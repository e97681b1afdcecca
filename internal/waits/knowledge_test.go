package waits_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// TestKnowledge: what a side knew when it sent something decides what it waited for. Each
// rule was found by captures of connections whose waits are known.
func TestKnowledge(t *testing.T) {
	for _, c := range []struct{ name, trace, want string }{
		{"after the handshake nothing is in flight: the client's application was not ready", nearServer +
			`.14 client > server P. 1:101(100) ack 1 win 64240
.14 server > client P. 1:401(400) ack 101 win 65160
.24 client > server . 101:101(0) ack 401 win 64240`, "connect 100, client-app 40, network 100"},
		{"it had not heard the ACK, as its timestamps say: it did not wait for it", pieces(1100), "connect 100, network 100, server-app 285"},
		{"it had", pieces(0), "connect 100, network 100, sender-window 285"},
		{"many ACKs at once do not hide that the window was full", burst("11680"), "connect 100, receiver-window 300, network 99"},
		{"nor that it was not", burst("23360"), "connect 100, sender-window 300, network 99"},
		{"a flight that fills the window waits for the receiver, and not those before it, beside the receiver", grows(nearClient, 0.00005, 0),
			"connect 100, network 101, receiver-window 202, sender-window 202"},
		{"and beside the sender", grows(nearServer, 0.00005, 0), "connect 100, network 100, receiver-window 202, sender-window 201, idle 1"},
		{"also if the sender takes longer to send again than the ACKs to come", grows(nearServer, 0.001, 0),
			"connect 100, network 100, receiver-window 232, sender-window 212, idle 15"},
		{"it had heard the first of several ACKs, as its timestamps say, and waited for that", heardFirst(), "connect 100, network 100, sender-window 420, idle 5"},
		{"room for less than the full segments that it sends is none", grows(nearClient, 0.00005, 1450), "connect 100, network 101, receiver-window 202, sender-window 202"},
		{"of several ACKs, it waited for the last", nearClient +
			`.2 server > client . 1:1461(1460) ack 1 win 65160
.2 server > client P. 1461:2161(700) ack 1 win 65160
.2 client > server . 1:1(0) ack 1461 win 64240
.215 client > server . 1:1(0) ack 2161 win 64240
.315 server > client P. 2161:2861(700) ack 1 win 65160
.315 client > server . 1:1(0) ack 2861 win 64240`, "connect 100, network 100, sender-window 115"},
		{"up to half a round trip after the ACK of a full segment, the host was slow", nearServer + bulk(4, 2, "64240", 49), "connect 100, sender-window 447, network 100, idle 49"},
		{"later, its application had nothing", nearServer + bulk(4, 2, "64240", 51), "connect 100, server-app 453, network 100, idle 51"},
		{"the first segment of an answer was lost before the tap, not what came before", cutAnswer(), "connect 100, network 400, server-app 800, loss 120"},
		{"what waits in a queue is on its way until it is acknowledged", queued(300), "connect 100, network 300, sender-window 3100"},
		{"what does not, has arrived", queued(110), "connect 100, network 100, sender-window 1200, idle 10"},
		{"also 80 minutes after the connection began", later(pieces(0)), "connect 100, client-app 2, network 4800098, sender-window 285"},
		{"segments that a queue before the tap delays were not sent late", delayed(), "connect 4, client-app 992, network 18, sender-window 990"},
	} {
		account(t, c.name, c.trace, c.want)
	}
}

// pieces are four short segments of the server's, 95 ms apart, to a tap 100 ms from it. They
// echo the given timestamp, or with 0 that of the last ACK.
func pieces(echo int) string {
	var b strings.Builder
	b.WriteString(`0 client > server S 0:0(0) win 64240 <mss 1460,ts 1000 0>
.1 server > client S. 0:0(0) ack 1 win 65160 <mss 1460,ts 5000 1000>
.1 client > server . 1:1(0) ack 1 win 64240 <ts 1100 5000>
.1 client > server P. 1:101(100) ack 1 win 64240 <ts 1100 5000>
`)
	heard := 1100
	for i := range 4 {
		at, seq := 200+95*i, 1+400*i
		if echo != 0 {
			heard = echo
		}
		fmt.Fprintf(&b, ".%03d server > client P. %d:%d(400) ack 101 win 65160 <ts %d %d>\n", at, seq, seq+400, 4900+at, heard)
		heard = 1000 + at
		fmt.Fprintf(&b, ".%03d client > server . 101:101(0) ack %d win 64240 <ts %d %d>\n", at, seq+400, heard, 4900+at)
	}
	return b.String()
}

// later is a trace in which the first payload comes 80 minutes later.
func later(trace string) string {
	lines := strings.SplitAfter(trace, "\n")
	for i := range lines[3:] {
		if at, rest, ok := strings.Cut(lines[3+i], " "); ok {
			seconds, _ := strconv.ParseFloat(at, 64)
			lines[3+i] = fmt.Sprintf("%.3f %s", 4800+seconds, rest)
		}
	}
	return strings.Join(lines, "")
}

// burst is a transfer to a tap beside the sender: flights of eight segments, whose ACKs
// come one after the other.
func burst(window string) string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(nearServer, "64240", window))
	for flight := range 4 {
		at, seq := 0.1+0.1*float64(flight), 1+8*1460*flight
		for i := range 8 {
			fmt.Fprintf(&b, "%.5f server > client . %d:%d(1460) ack 1 win 65160\n", at, seq+1460*i, seq+1460*(i+1))
		}
		for i := range 8 {
			fmt.Fprintf(&b, "%.5f client > server . 1:1(0) ack %d win %s\n", at+0.0990+0.00005*float64(i), seq+1460*(i+1), window)
		}
	}
	return b.String()
}

// grows is a transfer in flights of 4, 8, 16, 16 and 16 segments, the last three of which leave only so much room in the
// window. The ACKs of each flight come one after the other, in such steps, and then the next flight begins.
func grows(handshake string, step float64, room int) string {
	var b strings.Builder
	window := 16*1460 + room
	b.WriteString(strings.ReplaceAll(handshake, "64240", fmt.Sprint(window)))
	at, seq := 0.1, 1
	if handshake == nearClient {
		at = 0.2
	}
	for _, n := range []int{4, 8, 16, 16, 16} {
		for i := range n {
			fmt.Fprintf(&b, "%.6f server > client . %d:%d(1460) ack 1 win 65160\n", at+0.000001*float64(i), seq+1460*i, seq+1460*(i+1))
		}
		if handshake == nearClient {
			at -= 0.1
		}
		for i := range n {
			fmt.Fprintf(&b, "%.6f client > server . 1:1(0) ack %d win %d\n", at+0.1001+step*float64(i), seq+1460*(i+1), window)
		}
		if at, seq = at+0.1, seq+1460*n; handshake == nearClient {
			at += 0.101
		} else {
			at += 0.0002 + step*float64(n)
		}
	}
	return b.String()
}

// heardFirst is a transfer in flights of 16 segments to a tap beside the sender, where the next flight is captured after
// the ACKs of the one before, and echoes the timestamp of the first of these.
func heardFirst() string {
	var b strings.Builder
	b.WriteString(`0 client > server S 0:0(0) win 64240 <mss 1460,ts 1000 0>
0 server > client S. 0:0(0) ack 1 win 65160 <mss 1460,ts 5000 1000>
.1 client > server . 1:1(0) ack 1 win 64240 <ts 1100 5000>
`)
	at, seq, heard := 100_100, 1, 1100 // microseconds
	for range 5 {
		for i := range 16 {
			fmt.Fprintf(&b, "%.6f server > client . %d:%d(1448) ack 1 win 65160 <ts %d %d>\n", float64(at)/1e6, seq+1448*i, seq+1448*(i+1), 5000+at/1000, heard)
		}
		at += 100_200
		for i := range 16 {
			fmt.Fprintf(&b, "%.6f client > server . 1:1(0) ack %d win 64240 <ts %d %d>\n", float64(at+300*i)/1e6, seq+1448*(i+1), 1000+at/1000+i, 5000+at/1000)
		}
		seq, heard = seq+1448*16, 1000+at/1000
		at += 4_900
	}
	return b.String()
}

// cutAnswer are four exchanges. The last answer comes after 800 ms, without its first segment.
func cutAnswer() string {
	trace := strings.TrimSuffix(skips(0), "1.300 client > server . 401:401(0) ack 401 win 64240\n")
	trace = strings.Replace(trace, "1.300 server", "drop 1.300 server", 1)
	return trace + `1.300 server > client P. 401:501(100) ack 401 win 65160
1.300 client > server . 401:401(0) ack 301 win 64240
1.420 server > client P. 301:401(100) ack 401 win 65160
1.420 client > server . 401:401(0) ack 501 win 64240`
}

// queued is a transfer to a tap beside the sender, whose round trip after the first flights is that
// of a queue, in milliseconds.
func queued(roundTrip int) string {
	var b strings.Builder
	b.WriteString(nearServer)
	at, seq := 100, 1
	for flight := range 12 {
		fmt.Fprintf(&b, "%d.%03d server > client . %d:%d(1460) ack 1 win 65160\n", at/1000, at%1000, seq, seq+1460)
		if at += 100; flight > 0 {
			at += roundTrip - 100
		}
		seq += 1460
		fmt.Fprintf(&b, "%d.%03d client > server . 1:1(0) ack %d win 64240\n", at/1000, at%1000, seq)
	}
	fmt.Fprintf(&b, "%d.%03d client > server F. 1:1(0) ack %d win 64240\n", at/1000, at%1000, seq)
	return b.String()
}

// delayed is a transfer to a tap beside the receiver. The path has a queue of 100 ms,
// which lets a segment go every 10 ms.
func delayed() string {
	var b strings.Builder
	b.WriteString(`0 client > server S 0:0(0) win 64240 <mss 1460,ts 1000 0>
.004 server > client S. 0:0(0) ack 1 win 65160 <mss 1460,ts 5000 1000>
.004 client > server . 1:1(0) ack 1 win 64240 <ts 1004 5000>
.1 client > server P. 1:2(1) ack 1 win 64240 <ts 1100 5000>
.104 server > client P. 1:2(1) ack 2 win 65160 <ts 5104 1100>
.5 client > server P. 2:3(1) ack 2 win 64240 <ts 1500 5104>
.504 server > client P. 2:3(1) ack 3 win 65160 <ts 5504 1500>
1.004 client > server P. 3:101(98) ack 3 win 64240 <ts 2004 5504>
`)
	for i := range 100 {
		at, seq := 1014+10*i, 3+1460*i
		sent := max(at-100, 1004) // ten at once, and then one for each ACK
		fmt.Fprintf(&b, "%d.%03d server > client . %d:%d(1460) ack 101 win 65160 <ts %d %d>\n", at/1000, at%1000, seq, seq+1460, 5000+sent, 1000+sent)
		fmt.Fprintf(&b, "%d.%03d client > server . 101:101(0) ack %d win 64240 <ts %d %d>\n", at/1000, at%1000, seq+1460, 1000+at, 5000+sent)
	}
	return b.String()
}
