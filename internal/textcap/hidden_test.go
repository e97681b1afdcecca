package textcap_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
)

const refusedTwice = `2 0.020000 10.0.0.1 → 10.0.0.2 TCP 74 40001 → 81 [SYN] Seq=0 Win=64240 Len=0 MSS=1460
3 0.020100 10.0.0.2 → 10.0.0.1 TCP 54 81 → 40001 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0
4 0.030000 10.0.0.1 → 10.0.0.3 TCP 74 40002 → 82 [SYN] Seq=0 Win=64240 Len=0 MSS=1460
5 0.030100 10.0.0.3 → 10.0.0.1 TCP 54 82 → 40002 [RST, ACK] Seq=1 Ack=1 Win=0 Len=0
`

// A line that may be a segment, but does not show it, makes undecided what is found of the same hosts
// afterwards, and of no others, if it tells the hosts.
func TestHidden(t *testing.T) {
	for _, c := range []struct {
		line string
		seen []uint16 // ports at which a refusal is seen
	}{
		{"", []uint16{81, 82}},
		{"1 0.010000 10.0.0.2 → 10.0.0.1 TLSv1.2 583 Server Hello", []uint16{82}},
		{"1 0.010000 10.0.0.1 → 10.0.0.2 HTTP 583 GET /ICMP HTTP/1.1", []uint16{82}},
		{"1 0.010000 10.0.0.1 → 10.0.0.2 TCP 1514 [TCP segment of a reassembled PDU]", []uint16{82}},
		{"1 0.010000 10.0.0.1 → 10.0.0.9 TLSv1.2 583 Client Hello", []uint16{81, 82}},
		{"1 0.010000 10.0.0.1 → 10.0.0.2 QUIC 1292 Initial", []uint16{81, 82}},
		{"1 0.010000 client → server TLSv1.2 583 Client Hello", []uint16{81, 82}},
		{"00:00:00.010000 IP 10.0.0.1.40000 > 10.0.0.2.80: tcp 100", []uint16{82}},
		{"00:00:00.010000 IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [P.], seq 7001:71", []uint16{82}},
		{`{"timestamp":"10","layers":{"frame":{"frame_frame_protocols":"eth:ethertype:ip:tcp"}}}`, nil},
	} {
		rep, err := analyse("-", []byte(strings.TrimPrefix(c.line+"\n", "\n")+refusedTwice))
		if err != nil {
			t.Fatal(err)
		}
		var seen []uint16
		for i := range rep.Findings {
			f := &rep.Findings[i]
			if f.Verdict == detectors.Seen {
				seen = append(seen, min(f.Flow.End[0].Port, f.Flow.End[1].Port))
			} else if !strings.HasPrefix(f.Reason, "text-incomplete: ") {
				t.Errorf("%s: undecided: %s", c.line, f.Reason)
			}
		}
		if slices.Sort(seen); len(rep.Findings) != 2 || !slices.Equal(seen, c.seen) {
			t.Errorf("%s: of %d findings, those at %v are seen, want %v", c.line, len(rep.Findings), seen, c.seen)
		}
	}
}
