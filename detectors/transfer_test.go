package detectors

import (
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// TestTransfer_arithmetic: what a window allows is reckoned with the mean round trip where that explains the rate, and
// with the smallest where the rate is higher than the mean allows.
func TestTransfer_arithmetic(t *testing.T) {
	for _, c := range []struct {
		bytes uint64 // in ten seconds
		queue int64
		want  string
	}{
		{1_500_000, 20_000_000, "10,000 bytes of window for each round trip of 60 ms on average are 167 kB/s at most."},
		{1_800_000, 20_000_000, "10,000 bytes of window for each round trip of 40 ms are 250 kB/s at most."},
		{1_500_000, 9_000_000, "10,000 bytes of window for each round trip of 40 ms are 250 kB/s at most."}, // no queue
	} {
		x := Transfer{From: reassembly.B, Bytes: c.bytes, Window: 10_000, Shrank: true, Flight: 10_000, RTT: 40_000_000, Queue: c.queue}
		x.Last.At = 10e9
		x.Waits[ReceiverWindow] = 10e9
		if got := x.Explain("the server", "the client"); !strings.HasSuffix(got, c.want) {
			t.Errorf("%d bytes, queue %d: %q, want it to end with %q", c.bytes, c.queue, got, c.want)
		}
	}
}

// TestTransfer_repairs: the share of a transfer that losses took is the same in words as in Limit, whatever is left out of it.
func TestTransfer_repairs(t *testing.T) {
	for _, c := range []struct {
		spared, unneeded int64 // of 100 s
		want             string
	}{
		{0, 0, "For 85 % of that time it had losses to repair."},
		{0, 900_000_000, "For 84 % of that time it had losses to repair."},
		{0, 1_000_000_000, "For 85 % of that time it had losses to repair; 1 % went to repairs of what had arrived."},
		{900_000_000, 2_000_000_000, "For 84 % of that time it had losses to repair; 2 % went to repairs of what had arrived."},
	} {
		x := Transfer{From: reassembly.B, Bytes: 1_000_000, Spared: c.spared, Unneeded: c.unneeded}
		x.Last.At = 100e9
		x.Waits[Loss], x.Waits[Network] = 85e9, 15e9
		if got := x.Explain("the server", "the client"); !strings.HasSuffix(got, c.want) {
			t.Errorf("%+v: %q, want it to end with %q", c, got, c.want)
		}
	}
}

// A tap within the path sees the first ACK sooner than the sender.
func TestTransfer_ackRate(t *testing.T) {
	x := Transfer{Bytes: 1_100_000, Left: 100_000, RTT: 500_000_000, Beyond: 200_000_000, Last: reassembly.Mark{At: 2_200_000_000}}
	if got := x.AckRate(); got != 500_000 {
		t.Errorf("AckRate() = %v, want 500000: 1 MB in the 2 s from when its first ACK can have come", got)
	}
}
