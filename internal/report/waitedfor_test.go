package report

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestExplain_whom: the first word says whom a connection waited for: the network, the server or the client.
func TestExplain_whom(t *testing.T) {
	for _, c := range []struct {
		wait     detectors.Wait
		from     reassembly.Side // of a transfer
		transfer bool
		queue    int64
		want     string
	}{
		{detectors.ClientApp, reassembly.A, false, 0, "Client. "},
		{detectors.ServerApp, reassembly.A, false, 0, "Server. "},
		{detectors.Network, reassembly.A, false, 0, "Network. "},
		{detectors.Loss, reassembly.A, false, 0, "Network. "},
		{detectors.Idle, reassembly.A, false, 0, "Nobody. "},
		{detectors.UnknownWait, reassembly.A, false, 0, "Unknown. "},
		{detectors.ReceiverWindow, reassembly.A, false, 0, "Client. "}, // the server sent most
		{detectors.SenderWindow, reassembly.A, false, 0, "Server. "},
		{detectors.ReceiverWindow, reassembly.B, true, 0, "Client. "},
		{detectors.ReceiverWindow, reassembly.A, true, 0, "Server. "},
		{detectors.SenderWindow, reassembly.A, true, 0, "Client. "},
		{detectors.SenderWindow, reassembly.A, true, 1e8, "Network. "},
		{detectors.Loss, reassembly.B, true, 0, "Network. "},
		{detectors.ServerApp, reassembly.B, true, 0, "Server. "},
		{detectors.DelayedAck, reassembly.B, true, 0, "Client and server. "},
	} {
		f := everything().Flows[0]
		f.Initiator, f.Bytes = result.InitiatorA, [2]uint64{100, 1_000_000}
		f.Time = &waits.Record{From: after(0), To: after(10)}
		f.Time.Waits[c.wait] = 1e10
		if c.transfer {
			x := detectors.Transfer{From: c.from, Bytes: 1_000_000, Flight: 10_000, Window: 1000, RTT: 1e7, Queue: c.queue}
			x.Last.At, x.Waits = 1e10, f.Time.Waits
			f.Time.Transfers = []detectors.Transfer{x}
		}
		if got := explain(&f); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v, transfer %v from %v, queue %d: %q, want it to begin with %q", c.wait, c.transfer, c.from, c.queue, got, c.want)
		}
	}
}

// TestExplain_unknown: if the capture cannot tell, the sentence says why.
func TestExplain_unknown(t *testing.T) {
	f := everything().Flows[0]
	f.Time = &waits.Record{From: after(0), To: after(10), Unknown: waits.OneSided}
	f.Time.Waits[detectors.UnknownWait] = 1e10
	if got, want := explain(&f), "Unknown. 10 s of 10 s: only one direction was captured."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestExplain_beside: if the client had nothing to send, or nobody waited, the sentence names the longest other wait
// from a tenth of the time on.
func TestExplain_beside(t *testing.T) {
	for _, c := range []struct {
		most  detectors.Wait
		other int64
		want  bool
	}{{detectors.ClientApp, 2e9, true}, {detectors.Idle, 2e9, true}, {detectors.Close, 2e9, true}, {detectors.ClientApp, 1e9, false}, {detectors.ServerApp, 2e9, false}} {
		f := everything().Flows[0]
		f.Time = &waits.Record{From: after(0), To: after(12)}
		f.Time.Waits[c.most], f.Time.Waits[detectors.Loss] = 1e10, c.other
		if got := explain(&f); strings.HasSuffix(got, ". The longest wait beside it: loss, 2 s.") != c.want {
			t.Errorf("%v, and loss for %d ns: %q", c.most, c.other, got)
		}
	}
}
