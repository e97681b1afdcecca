// Tracegen writes a packet capture of known content, for benchmarks and tests.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

func main() {
	var spec tracegen.Spec
	output := flag.String("o", "", "write the capture to this `file`")
	truth := flag.String("truth", "", "write what is in it to this `file`, as JSON (default standard output)")
	flag.Int64Var(&spec.Frames, "frames", 1_000_000, "frames of connections")
	flag.IntVar(&spec.Flows, "flows", 0, "connections open at a time (default 20000, fewer if there are few frames)")
	flag.IntVar(&spec.Snap, "snap", 0, "bytes kept of each frame (default all)")
	flag.Int64Var(&spec.Flood, "flood", 0, "additional spoofed SYNs, one connection each")
	flag.IntVar(&spec.Faults, "faults", 1, "connections with each of the planted faults")
	flag.IntVar(&spec.IPv6, "ipv6", 0, "one connection in this many is IPv6 (default 8, negative none)")
	flag.BoolVar(&spec.Web, "web", false, "short connections, a request and its answer each")
	flag.Float64Var(&spec.Loss, "loss", 0, "share of segments that each connection loses (default one in five some)")
	flag.BoolVar(&spec.Nanos, "nanos", false, "nanosecond timestamps")
	flag.Uint64Var(&spec.Seed, "seed", 1, "seed of the random numbers")
	flag.Parse()
	if err := run(spec, *output, *truth); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(spec tracegen.Spec, output, truthFile string) error {
	if output == "" || flag.NArg() > 0 {
		return fmt.Errorf("usage: tracegen -o FILE [flags]; see -h")
	}
	f, err := os.Create(output)
	if err != nil {
		return err
	}
	truth, err := tracegen.Write(f, spec)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	report, err := json.MarshalIndent(truth, "", "  ")
	if err != nil {
		return err
	}
	report = append(report, '\n')
	if truthFile == "" {
		_, err = os.Stdout.Write(report)
		return err
	}
	return os.WriteFile(truthFile, report, 0o644)
}
