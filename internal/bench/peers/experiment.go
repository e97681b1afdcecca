package main

import (
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/tracegen"
)

// An experiment is one capture and the tools that read it in turn.
type experiment struct {
	title string
	spec  tracegen.Spec
	tools []tool
	base  string // the tool whose median is 1
}

// run measures and prints a table.
func (e experiment) run(dir string) error {
	c, err := prepare(dir, e.spec)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d frames, %d connections, %.0f MB, %.0f s of trace\n", e.title,
		c.truth.Frames, c.truth.Connections, float64(c.truth.Bytes)/1e6, c.truth.Last.Sub(c.truth.First).Seconds())
	samples, err := e.measure(c.file)
	if err != nil {
		return err
	}
	e.print(samples, c.truth.Frames)
	if err := e.verify(c); err != nil {
		return err
	}
	fmt.Println()
	return nil
}

// measure runs the tools in turn: A B C A B C.
func (e experiment) measure(capture string) ([][]sample, error) {
	samples := make([][]sample, len(e.tools))
	rounds := 0
	for _, t := range e.tools {
		rounds = max(rounds, t.runs)
	}
	for round := range rounds {
		for i, t := range e.tools {
			if round >= t.runs {
				continue
			}
			s, err := t.run(capture)
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], s)
		}
	}
	return samples, nil
}

func (e experiment) print(samples [][]sample, frames int64) {
	base := time.Duration(0)
	for i, t := range e.tools {
		if t.name == e.base {
			base = median(samples[i], sample.wallTime)
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "tool\truns\tmedian\tmin\tmax\tCPU\tns/frame\tpeak\tx "+e.base+"\t")
	for i, t := range e.tools {
		walls := sorted(samples[i], sample.wallTime)
		mid := median(samples[i], sample.wallTime)
		ratio := "-"
		if base > 0 {
			ratio = fmt.Sprintf("%.2f", float64(mid)/float64(base))
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%.0f\t%s\t%s\t\n", t.name, len(walls),
			brief(mid), brief(walls[0]), brief(walls[len(walls)-1]), brief(median(samples[i], sample.cpuTime)),
			float64(mid)/float64(frames), memory(samples[i]), ratio)
	}
	w.Flush()
}

func (s sample) wallTime() time.Duration { return s.wall }
func (s sample) cpuTime() time.Duration  { return s.cpu }

func sorted(samples []sample, of func(sample) time.Duration) []time.Duration {
	d := make([]time.Duration, len(samples))
	for i, s := range samples {
		d[i] = of(s)
	}
	slices.Sort(d)
	return d
}

// median of an even number is the mean of the two in the middle.
func median(samples []sample, of func(sample) time.Duration) time.Duration {
	d := sorted(samples, of)
	return (d[(len(d)-1)/2] + d[len(d)/2]) / 2
}

func brief(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.3f s", d.Seconds())
}

// memory is the largest peak of all runs.
func memory(samples []sample) string {
	peak := int64(0)
	for _, s := range samples {
		peak = max(peak, s.peak)
	}
	switch own := ownPeak(); {
	case peak == 0:
		return "-"
	case peak <= own:
		return fmt.Sprintf("<%.0f MB", float64(own)/1e6)
	}
	return fmt.Sprintf("%.0f MB", float64(peak)/1e6)
}
