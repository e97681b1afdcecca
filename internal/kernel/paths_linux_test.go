package kernel

import (
	"cmp"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/catalogue"
	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/taps"
)

var allPaths = flag.Bool("paths", false, "run all paths between two taps, not only some of them")

// A pathCase is a path between two hosts, with a tap beside each: what it does to
// packets, and how the clock of the tap beside the server differs.
type pathCase struct {
	oneWay    time.Duration
	offset    time.Duration
	skew      float64 // ppm
	step      time.Duration
	nat, isn  bool
	withoutID bool
}

func (c *pathCase) String() string {
	return fmt.Sprintf("%v offset %v skew %v step %v NAT %t ISN %t no ID %t", c.oneWay, c.offset, c.skew, c.step, c.nat, c.isn, c.withoutID)
}

// TestPaths has two kernels speak over a path in user space, which logs what it does.
// What tcptrace finds in the captures of both ends must be that log, to the frame.
func TestPaths(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: it takes seconds of real time")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may create network namespaces")
	}
	var all []pathCase
	for _, oneWay := range []time.Duration{0, 500 * time.Microsecond, 15 * time.Millisecond, 80 * time.Millisecond} {
		for _, offset := range []time.Duration{0, 7 * time.Second, 3 * time.Hour} {
			for _, clock := range []pathCase{{}, {skew: 20}, {skew: 200}, {step: 250 * time.Millisecond}} {
				for n := range 8 {
					c := clock
					c.oneWay, c.offset = oneWay, offset
					c.nat, c.isn, c.withoutID = n&1 != 0, n&2 != 0, n&4 != 0
					all = append(all, c)
				}
			}
		}
	}
	slots := make(chan struct{}, 12) // all of them at once would be too slow for their delays
	for n, c := range all {
		if !*allPaths && n%37 != 5 {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			c.run(t, uint64(n))
		})
	}
}

const pathPort = 8080

// run runs one case: requests and answers, with random losses on both ways.
func (c *pathCase) run(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	client, server := newHost(t, "client", clientAddr), newHost(t, "server", serverAddr)
	client.peer, server.peer = server, client
	w := newWire(t, client, server)
	w.do(func() {
		w.ports = [2]uint16{40000, pathPort}
		w.legs = [2][2]leg{{{}, {delay: c.oneWay}}, {{}, {delay: c.oneWay}}}
		for range 6 {
			w.faults = append(w.faults, &fault{from: 0, afterTap: 1, what: "lose", kind: anything, skip: 5 + r.IntN(200), count: 1},
				&fault{from: 1, afterTap: 1, what: "lose", kind: anything, skip: 5 + r.IntN(200), count: 1})
		}
	})
	listener := server.socket(pathPort).listen(1)
	one := client.socket(40000).dial(pathPort)
	other := listener.accept()
	for range 12 {
		one.send(300)
		other.receive(300)
		other.send(20000)
		one.receive(20000)
		time.Sleep(150 * time.Millisecond)
	}
	one.finish()
	time.Sleep(4*c.oneWay + 700*time.Millisecond)
	other.finish()
	time.Sleep(4*c.oneWay + 700*time.Millisecond)
	var packets []*packet
	w.do(func() { packets = slices.Clone(w.packets) }) // however late they were
	c.check(t, packets)
}

// check compares the report of both taps with the log.
func (c *pathCase) check(t *testing.T, packets []*packet) {
	type seen struct {
		frame
		p *packet
	}
	var both [2][]seen
	first, half := packets[0].sent, packets[len(packets)/2].sent
	for _, p := range packets {
		for tap := range 2 {
			at := p.sent
			if p.from != tap {
				if at = p.arrived; at == 0 {
					continue
				}
			}
			f := frame{at: at, wire: len(p.data), data: slices.Clone(p.data[:min(len(p.data), snap)])}
			if p.from != tap {
				f.data[8]-- // TTL
			}
			if c.withoutID {
				f.data[4], f.data[5] = 0, 0
			}
			if tap == 1 {
				c.translate(f.data, p.from)
			}
			both[tap] = append(both[tap], seen{f, p})
		}
	}
	dir := keepIn(t)
	var names []string
	lost := [2]map[uint32]bool{{}, {}}
	for tap, name := range []string{"client", "server"} {
		slices.SortStableFunc(both[tap], func(a, b seen) int { return cmp.Compare(a.at, b.at) })
		var frames []frame
		for i := range both[tap] {
			x := &both[tap][i]
			if x.p.from == tap && x.p.arrived == 0 {
				lost[tap][uint32(i+1)] = true
			}
			if tap == 1 {
				since := x.at - first
				x.at += int64(c.offset) + int64(c.skew*1e-6*float64(since))
				if c.step != 0 && since > half-first { // there are segments of both sides before and after
					x.at += int64(c.step)
				}
			}
			frames = append(frames, x.frame)
		}
		names = append(names, filepath.Join(dir, name+".pcap"))
		writeFrames(t, names[tap], linkRaw, frames)
	}
	rep := analyseTaps(t, names)
	if len(rep.Taps) != 2 || len(rep.Flows) != 1 || len(rep.Flows[0].Between) != 1 {
		t.Fatalf("taps %+v, %d connections", rep.Taps, len(rep.Flows))
	}
	b := &rep.Flows[0].Between[0]
	var doubt uint64
	for side := range b.Way {
		wayDoubt := b.Way[side].Missed + b.Way[side].Undecided + b.Way[side].Uncovered
		doubt += wayDoubt
		for _, l := range b.Way[side].Lost {
			if lost[l.Tap][l.Frame] {
				delete(lost[l.Tap], l.Frame)
			} else if i := slices.IndexFunc(l.OneOf, func(f uint32) bool { return lost[l.Tap][f] }); i >= 0 {
				delete(lost[l.Tap], l.OneOf[i])
			} else {
				t.Errorf("frame %d of tap %d was not lost", l.Frame, l.Tap)
			}
		}
	}
	if left := len(lost[0]) + len(lost[1]); uint64(left) > doubt {
		t.Errorf("not reported: %v; %d in doubt", lost, doubt)
	}
	if len(b.Injected) > 0 {
		t.Errorf("injected: %+v", b.Injected)
	}
	k := &rep.Taps[1].Clock
	want := int64(c.offset) + int64(c.skew*1e-6*float64(rep.Taps[1].Epoch-first))
	if off := max(k.Offset-want, want-k.Offset); !k.HasOffset || off > k.Uncertainty {
		t.Errorf("offset %v within %v, want %v", time.Duration(k.Offset), time.Duration(k.Uncertainty), time.Duration(want))
	}
	for i := range rep.Findings {
		if f := &rep.Findings[i]; f.Verdict == detectors.Seen && f.Fault == detectors.FaultHost && f.Severity > detectors.Info {
			t.Errorf("%s/%s: %s", f.Detector, f.Outcome, f.Message)
		}
	}
}

// translate changes what the path rewrites, as the tap beside the server sees it. No
// checksum is mended: captures of hosts have wrong ones, too.
func (c *pathCase) translate(ip []byte, from int) {
	tcp := ip[int(ip[0]&15)*4:]
	if c.nat {
		addr, port := ip[12:16], tcp[0:2]
		if from == 1 {
			addr, port = ip[16:20], tcp[2:4]
		}
		copy(addr, []byte{198, 51, 100, 9})
		binary.BigEndian.PutUint16(port, 50123)
	}
	if c.isn {
		number := tcp[4:8]
		if from == 1 {
			number = tcp[8:12]
		}
		binary.BigEndian.PutUint32(number, binary.BigEndian.Uint32(number)+0x12345678)
	}
}

func analyseTaps(t *testing.T, names []string) *result.Report {
	t.Helper()
	open := func() *capture.Trace {
		trace, errs := capture.OpenTrace(names, capture.Options{})
		for _, err := range errs {
			t.Fatal(err)
		}
		return trace
	}
	o := engine.Options{Detectors: catalogue.All, AllFlows: true}
	plan := taps.Recognise(context.Background(), open(), names, &o, taps.Options{})
	if plan == nil {
		t.Fatal("the captures are not taken for taps")
	}
	trace := open()
	defer trace.Close()
	o.Points = plan.Points()
	return plan.Run(context.Background(), engine.Frames(context.Background(), trace, &o), o)
}
