package tracegen

import (
	"net/netip"
	"testing"
)

func TestWrite_plantsFaults(t *testing.T) {
	for _, spec := range []Spec{
		{Frames: 3_000, Faults: 1},
		{Frames: 50_000, Faults: 4, Snap: 96, IPv6: 2, Seed: 1},
		{Frames: 60_000, Flows: 1_000, Faults: 9, Snap: 96, Seed: 2},
	} {
		frames, truth := generate(t, spec)
		byFlow := map[[2]netip.AddrPort][]seenFrame{}
		for _, f := range frames {
			byFlow[f.flow()] = append(byFlow[f.flow()], f)
		}
		end := frames[len(frames)-1].at
		kinds := map[string]int{}
		for _, fault := range truth.Faults {
			kinds[fault.Detector+"/"+fault.Outcome]++
			f := seenFrame{src: fault.Client, dst: fault.Server}
			planted := byFlow[f.flow()]
			switch fault.Detector {
			case "zero-window-probe-loop":
				checkHungClient(t, fault, planted, end)
			case "unretransmitted-fin":
				checkLostFIN(t, fault, planted, end)
			case "post-fin-ack-rst":
				checkRedundantAck(t, fault, planted)
			}
		}
		for _, kind := range []string{"zero-window-probe-loop/ghosted", "unretransmitted-fin/peer-unaware", "post-fin-ack-rst/redundant-ack"} {
			if kinds[kind] != spec.Faults {
				t.Errorf("%d of %s, want %d", kinds[kind], kind, spec.Faults)
			}
		}
	}
}

// checkHungClient wants the client's last window to be 0, two answers to probes, and
// three or more probes in a silence of 6 s.
func checkHungClient(t *testing.T, fault Fault, frames []seenFrame, end int64) {
	t.Helper()
	last, answers := -1, 0
	for i, f := range frames {
		if f.src == fault.Client {
			last = i
			answers += b2i(f.window == 0)
		}
	}
	if fault.Culprit != fault.Client || answers != 1+answeredProbes {
		t.Errorf("hungClient %v: window 0 announced %d times", fault.Client, answers)
	}
	silent := frames[last+1:]
	if len(silent) < 3 || end-frames[last].at < 6e9 {
		t.Fatalf("hungClient %v: %d probes in %d ns of silence", fault.Client, len(silent), end-frames[last].at)
	}
	for _, f := range silent {
		if f.payload != 0 || f.flags != ack || f.seq != frames[last].ack-1 {
			t.Errorf("hungClient %v: this is no probe: %+v", fault.Client, f)
		}
	}
}

// checkLostFIN wants one FIN, from the server, and a client that sends between 3 s
// and 6 s later without acknowledging it.
func checkLostFIN(t *testing.T, fault Fault, frames []seenFrame, end int64) {
	t.Helper()
	fins, unaware := 0, 0
	var lost seenFrame
	for _, f := range frames {
		switch {
		case f.flags&fin != 0:
			fins++
			lost = f
		case fins > 0 && f.src == fault.Client && f.at-lost.at > 3e9:
			unaware++
			if f.ack != lost.seq {
				t.Errorf("lost FIN of %v: acknowledged, or something before it was not", fault.Server)
			}
		}
	}
	if fault.Culprit != fault.Server || lost.src != fault.Server || fins != 1 || unaware == 0 || end-lost.at < 6e9 {
		t.Errorf("lost FIN of %v: %d FINs, %d later segments, %d ns", fault.Server, fins, unaware, end-lost.at)
	}
}

// checkRedundantAck wants the same pure ACK twice and a bare RST that answers
// the second.
func checkRedundantAck(t *testing.T, fault Fault, frames []seenFrame) {
	t.Helper()
	if len(frames) < 6 {
		t.Fatalf("redundant ACK of %v: %d frames", fault.Client, len(frames))
	}
	n := len(frames)
	first, second, reset := frames[n-3], frames[n-2], frames[n-1]
	if fault.Culprit != fault.Client || first.src != fault.Client || second.src != fault.Client ||
		first.flags != ack || second.flags != ack || first.ack != second.ack || first.seq != second.seq {
		t.Errorf("redundant ACK of %v: not the same ACK twice: %+v, %+v", fault.Client, first, second)
	}
	if reset.flags != rst || reset.src != fault.Server || reset.seq != second.ack {
		t.Errorf("redundant ACK of %v: the answer is no RST to it: %+v", fault.Client, reset)
	}
}
