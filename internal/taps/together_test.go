package taps_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/pathsim"
	"github.com/tcptrace-go/tcptrace/internal/taps"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// lostFIN is a connection whose client's FINs die on the way; both captures go on.
func lostFIN(c pathsim.Config) *pathsim.Result {
	c.Seed, c.OneWay, c.Exchanges = 6, 10*time.Millisecond, 3
	c.Drop = func(s *pathsim.Sent) bool { return !s.FromServer && s.Seg.Flags&reassembly.FIN != 0 }
	r := pathsim.Run(c)
	other := pathsim.Run(pathsim.Config{Seed: 9, OneWay: 10 * time.Millisecond, Exchanges: 3, Offset: c.Offset})
	for tap := range r.Taps {
		for _, s := range other.Taps[tap] {
			s.At += int64(5 * time.Minute)
			s.Src.Port, s.Dst.Port = s.Src.Port^1, s.Dst.Port^1
			s.Frame = uint32(len(r.Taps[tap]) + 1)
			r.Taps[tap] = append(r.Taps[tap], s)
		}
	}
	return r
}

// TestTogether_oneDirection: what a capture of one direction lacks was not lost on its way there.
func TestTogether_oneDirection(t *testing.T) {
	for _, offset := range []time.Duration{0, 7 * time.Second} {
		r := lostFIN(pathsim.Config{Offset: offset})
		fromServer := slices.DeleteFunc(slices.Clone(r.Taps[1]), func(s reassembly.Segment) bool { return s.Dst.Port == 443 || s.Dst.Port == 442 })
		rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(r.Taps[0])}, file{"server.pcap", pathsim.Pcap(fromServer)})
		for i := range rep.Findings {
			f := &rep.Findings[i]
			if strings.Contains(f.Message, "never reached") || f.Detector == "lost-between" || f.Fault == detectors.FaultPath {
				t.Errorf("%s: %s", f.Detector, f.Message)
			}
		}
	}
}

// TestTogether: the client's capture leaves out pure ACKs, and the server's has only what the
// server sent on one of the connections. Each alone cannot say that its FIN was never
// acknowledged; together they do, unless the server's has the ACK.
func TestTogether(t *testing.T) {
	for _, acked := range []bool{false, true} {
		r := lostFIN(pathsim.Config{Offset: 7 * time.Second})
		client := slices.DeleteFunc(slices.Clone(r.Taps[0]), func(s reassembly.Segment) bool { return s.Flags == reassembly.ACK && s.Len == 0 })
		server := slices.DeleteFunc(slices.Clone(r.Taps[1]), func(s reassembly.Segment) bool { return s.Dst.Port == 443 })
		if acked {
			i := slices.IndexFunc(client, func(s reassembly.Segment) bool { return s.Flags&reassembly.FIN != 0 && s.Dst.Port == 443 })
			ack := reassembly.Segment{At: client[i].At + int64(7*time.Second+10*time.Millisecond), Src: client[i].Dst, Dst: client[i].Src, Seq: client[i].Ack,
				Ack: client[i].Seq + 1, Flags: reassembly.ACK, Window: 500, TTL: 64, IPID: 7, Opts: server[len(server)-1].Opts}
			at := slices.IndexFunc(server, func(s reassembly.Segment) bool { return s.At > ack.At })
			server = slices.Insert(server, at, ack)
		}
		for _, segs := range [][]reassembly.Segment{client, server} {
			for i := range segs {
				segs[i].Frame = uint32(i + 1)
			}
		}
		rep, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(client)}, file{"server.pcap", pathsim.Pcap(server)})
		var got []string
		for i := range rep.Findings {
			f := &rep.Findings[i]
			if f.Verdict == detectors.Seen {
				got = append(got, f.Detector)
				if !strings.Contains(f.Message, "together they do") || f.Fault == detectors.FaultPath || f.Flow.ID != 1 {
					t.Errorf("%+v", f)
				}
			}
		}
		if want := []string{"fin-unanswered"}; !acked && !slices.Equal(got, want) || acked && got != nil {
			t.Errorf("acknowledged %t: %q", acked, got)
		}
	}
}

// TestExact: a state that rests on an ACK that may not have arrived is exact where the tap beside
// that host saw it come, or saw that it did not.
func TestExact(t *testing.T) {
	for _, lost := range []bool{false, true} {
		closed := false
		r := pathsim.Run(pathsim.Config{Seed: 6, OneWay: 10 * time.Millisecond, Exchanges: 3, Drop: func(s *pathsim.Sent) bool {
			closed = closed || s.FromServer && s.Seg.Flags&reassembly.FIN != 0
			return lost && closed && !s.FromServer
		}})
		want := fsm.Closed // of the server, which waits for the ACK of its FIN
		if lost {
			want = fsm.LastAck
		}
		alone, _ := analyse(t, taps.Options{}, file{"client.pcap", pathsim.Pcap(r.Taps[0])})
		f, joint := &alone.Flows[0], &both(t, r).Flows[0]
		if f.State[1] != fsm.Closed || !f.Bounded[1] || joint.State[1] != want || joint.Bounded != [2]bool{} {
			t.Errorf("ACK lost %t: one capture says %v, bounded %v; both say %v, bounded %v", lost, f.State, f.Bounded, joint.State, joint.Bounded)
		}
	}
}
