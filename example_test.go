package tcptrace_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/google/gopacket/pcapgo"

	"github.com/tcptrace-go/tcptrace"
	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/fsm"
)

// Analyze reads captures and returns findings.
func ExampleAnalyze() {
	report, err := tcptrace.Analyze(context.Background(), tcptrace.Options{}, "samples/unretransmitted-fin.txtar")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Severity, f.Detector, f.Outcome)
		fmt.Println(f.Flow.End[f.Subject], "is left in", f.States[f.Subject])
		for _, e := range f.Evidence {
			fmt.Printf("frame %d: %s\n", e.Seg.Frame, e.Role)
		}
	}
	// Output:
	// critical unretransmitted-fin peer-unaware
	// 10.0.0.2:443 is left in FIN_WAIT_1
	// frame 6: FIN, never acknowledged
	// frame 7: still does not acknowledge the FIN
}

// Captures from both ends of a path show what was lost between them. They are
// recognised; Options.Taps gives them names. The clocks of these differ by five seconds.
func ExampleAnalyze_taps() {
	options := tcptrace.Options{Taps: []tcptrace.NamedTap{
		{Name: "client", Files: []string{"testdata/client.txtar"}},
		{Name: "server", Files: []string{"testdata/server.txtar"}},
	}}
	report, err := tcptrace.Analyze(context.Background(), options)
	if err != nil {
		log.Fatal(err)
	}
	server := report.Taps[1]
	fmt.Printf("the clock of %s is %v later, give or take %v\n", server.Name, server.Offset, server.Uncertainty.Round(time.Millisecond))
	for _, b := range report.Flows[0].Between {
		for side, way := range b.Way {
			fmt.Printf("%v: %d of %d segments arrived\n", b.End[side], way.Arrived, way.Sent)
			for _, l := range way.Lost {
				fmt.Printf("frame %d of %s was lost: %v\n", l.Frame, report.Taps[l.Tap].Name, l.Seg.Flags)
			}
		}
	}
	for _, f := range report.Findings {
		fmt.Println(f.Detector, f.Fault, f.Path)
	}
	// Output:
	// the clock of server is 5s later, give or take 22ms
	// 10.0.0.1:40000: 5 of 5 segments arrived
	// 10.0.0.2:443: 3 of 4 segments arrived
	// frame 6 of server was lost: F.
	// unretransmitted-fin path [server client]
}

// AnalyzePackets analyses what a handle of gopacket reads: here a file, by pcapgo.
func ExampleAnalyzePackets() {
	file, err := os.Open("samples/unretransmitted-fin.pcapng")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	handle, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		log.Fatal(err)
	}
	report, err := tcptrace.AnalyzePackets(context.Background(), tcptrace.Options{}, uint16(handle.LinkType()), handle)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Severity, f.Detector, f.Outcome, f.Flow.End[f.Subject])
	}
	// Output:
	// critical unretransmitted-fin peer-unaware 10.0.0.2:443
}

var closedHurriedly = &detectors.Outcome{Name: "hurried", Severity: detectors.Info, When: "FIN came within a second"}

// hurriedClose reports a side that closes soon after the connection was opened.
var hurriedClose = &detectors.Detector{
	Name:         "hurried-close",
	Doc:          detectors.Doc{Title: "a connection was closed within a second of its opening"},
	Outcomes:     []*detectors.Outcome{closedHurriedly},
	StartsOn:     fsm.On(fsm.FinSent),
	SubscribesTo: fsm.On(fsm.FinSent),
	Watch:        func(*detectors.Report) detectors.Watcher { return hurried{} },
}

type hurried struct{}

func (hurried) Event(ev fsm.Event, r *detectors.Report) {
	if age := ev.Seg.At - r.Conn.First(); age < 1e9 {
		f := r.Find(closedHurriedly, ev.Side, ev.Seg.At, detectors.Evidence{Role: "early FIN", Seg: *ev.Seg})
		f.Message = fmt.Sprintf("%s closed %d ms after the connection was opened.", r.Name(ev.Side), age/1e6)
		r.Emit(f)
	}
}

// A new detector needs only the packages detectors, fsm and reassembly. Programs
// pass it to Analyze; tcptrace.Main(hurriedClose) is the command with this detector
// in addition to the others.
func ExampleAnalyze_ownDetector() {
	options := tcptrace.Options{Detectors: []*detectors.Detector{hurriedClose}}
	report, err := tcptrace.Analyze(context.Background(), options, "samples/unretransmitted-fin.txtar")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Message)
	}
	// Output:
	// 10.0.0.2:443 closed 121 ms after the connection was opened.
}

// The main function of a tcptrace with an additional detector.
func ExampleMain() {
	os.Exit(tcptrace.Main(hurriedClose))
}
