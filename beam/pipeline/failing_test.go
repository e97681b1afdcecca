package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// A failingRunner is a runner in one goroutine whose workers die. Every other step
// dies at some point, or its result is lost, and then it is repeated. Elements come
// in any order, in bundles of any size.
type failingRunner struct {
	*rand.Rand
	t      *testing.T
	o      Options
	deaths int
}

// errDead ends a worker.
var errDead = errors.New("the worker dies")

// out collects the output of one attempt at a step.
type out struct {
	chunks map[string][][]byte
	ranges map[int][][]byte
	values [3][][]byte
	left   int // emissions until the worker dies; negative for never
}

func (x *out) mayDie() {
	if x.left--; x.left == 0 {
		panic(errDead)
	}
}

func (x *out) emit(n int) func([]byte) {
	return func(b []byte) {
		x.mayDie()
		x.values[n] = append(x.values[n], b)
	}
}

func (x *out) chunk(key, value []byte) {
	x.mayDie()
	x.chunks[string(key)] = append(x.chunks[string(key)], value)
}

func (x *out) rang(n int, value []byte) {
	x.mayDie()
	x.ranges[n] = append(x.ranges[n], value)
}

func fresh(left int) *out {
	return &out{chunks: map[string][][]byte{}, ranges: map[int][][]byte{}, left: left}
}

// step does a step until it succeeds, and adds its output to all.
func (s *failingRunner) step(all *out, do func(x *out) error) {
	s.t.Helper()
	for s.IntN(2) == 0 {
		s.deaths++
		s.die(do, fresh(1+s.IntN(4)))
	}
	x := fresh(-1)
	if err := do(x); err != nil {
		s.t.Fatal(err)
	}
	for key, v := range x.chunks {
		all.chunks[key] = append(all.chunks[key], v...)
	}
	for n, v := range x.ranges {
		all.ranges[n] = append(all.ranges[n], v...)
	}
	for i, v := range x.values {
		all.values[i] = append(all.values[i], v...)
	}
}

// die does a step whose output is lost.
func (s *failingRunner) die(do func(x *out) error, x *out) {
	defer func() {
		if r := recover(); r != nil && r != any(errDead) {
			panic(r)
		}
	}()
	_ = do(x)
}

// each returns the values in any order, as in a group.
func (s *failingRunner) each(values ...[]byte) func(*[]byte) bool {
	values = slices.Clone(values)
	s.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return func(b *[]byte) bool {
		if len(values) == 0 {
			return false
		}
		*b, values = values[0], values[1:]
		return true
	}
}

// one does a step that processes one group.
func (s *failingRunner) one(fn interface {
	ProcessElement(int, func(*[]byte) bool, func([]byte)) error
}, values [][]byte) []byte {
	s.t.Helper()
	all := fresh(-1)
	s.step(all, func(x *out) error { return fn.ProcessElement(0, s.each(append(values, []byte{})...), x.emit(0)) })
	return all.values[0][0]
}

func (s *failingRunner) run() {
	ctx, o := context.Background(), s.o.filled()
	if err := Prepare(ctx, o, false); err != nil {
		s.t.Fatal(err)
	}
	inputs, read := fresh(-1), fresh(-1)
	s.step(inputs, func(x *out) error { return (&matchFn{o}).ProcessElement(ctx, nil, x.emit(0), x.emit(1)) })
	for _, i := range s.Perm(len(inputs.values[0])) {
		s.step(read, func(x *out) error {
			return (&readFn{o}).ProcessElement(ctx, inputs.values[0][i], x.chunk, x.emit(0), x.emit(1))
		})
	}
	whole := s.interrupt(ctx, o, read.chunks, s.one(&combineFn{o}, read.values[0]))
	analysed := s.analyse(ctx, o, read.chunks, whole)
	for _, group := range analysed.ranges {
		s.step(analysed, func(x *out) error { return new(relateFn).ProcessElement(0, s.each(group...), x.emit(0)) })
	}
	planned := s.one(&planFn{o}, analysed.values[1])

	spread, numbered, rendered := fresh(-1), fresh(-1), fresh(-1)
	for _, c := range analysed.values[0] {
		s.step(spread, func(x *out) error { return new(spreadFn).ProcessElement(ctx, c, whole, planned, x.rang) })
	}
	for n, group := range spread.ranges {
		s.step(numbered, func(x *out) error {
			return (&numberFn{Options: o}).ProcessElement(ctx, n, s.each(group...), whole, planned, x.rang, x.emit(0))
		})
	}
	for n, group := range numbered.ranges {
		s.step(rendered, func(x *out) error {
			return (&renderFn{Options: o}).ProcessElement(ctx, n, s.each(group...), whole, x.emit(0))
		})
	}
	parts := append(append(append(numbered.values[0], rendered.values[0]...), inputs.values[1]...), read.values[1]...)
	s.step(fresh(-1), func(*out) error {
		return (&finishFn{o}).ProcessElement(ctx, 0, s.each(append(parts, []byte{})...), whole, planned)
	})
}

// interrupt finds the pauses in which the capture was interrupted.
func (s *failingRunner) interrupt(ctx context.Context, o Options, groups map[string][][]byte, files []byte) []byte {
	running, whole := fresh(-1), fresh(-1)
	for key, values := range groups {
		s.step(running, func(x *out) error {
			return (&runningFn{Options: o}).ProcessElement(ctx, []byte(key), s.each(values...), files, x.emit(0))
		})
	}
	s.step(whole, func(x *out) error {
		return new(interruptFn).ProcessElement(0, s.each(append(running.values[0], []byte{})...), files, x.emit(0))
	})
	return whole.values[0][0]
}

// analyse analyses the four-tuples, in small bundles.
func (s *failingRunner) analyse(ctx context.Context, o Options, groups map[string][][]byte, whole []byte) *out {
	var keys []string
	for key := range groups { // in no order
		keys = append(keys, key)
	}
	analysed := fresh(-1)
	for len(keys) > 0 {
		n := min(len(keys), 1+s.IntN(100))
		s.step(analysed, func(x *out) error {
			fn := &analyseFn{Options: o}
			fn.StartBundle(ctx, whole, x.emit(0), x.emit(1), x.rang)
			for _, key := range keys[:n] {
				if err := fn.ProcessElement(ctx, []byte(key), s.each(groups[key]...), whole, x.emit(0), x.emit(1), x.rang); err != nil {
					return err
				}
			}
			fn.FinishBundle(ctx, whole, x.emit(0), x.emit(1), x.rang)
			return nil
		})
		keys = keys[n:]
	}
	return analysed
}

// Workers that die change nothing, whether connections travel or are in runs.
func TestFailingWorkers(t *testing.T) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	folder := t.TempDir()
	files := generate(t, folder, 20_000, 7)
	for name, o := range map[string]Options{
		"samples":   {Inputs: samples(t), Range: 20},
		"generated": {Inputs: []string{filepath.Join(folder, "trace*")}, Range: 50},
		"runs":      {Inputs: []string{filepath.Join(folder, "trace*")}, Range: 50, Group: 1000, Least: 1, Hold: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			o.Output = t.TempDir()
			s := failingRunner{Rand: rand.New(rand.NewPCG(1, 2)), t: t, o: o}
			s.run()
			if name == "samples" {
				same(t, o, o.Inputs)
			} else {
				same(t, o, files)
			}
			t.Logf("%d workers died", s.deaths)
		})
	}
}
