package pipeline

import (
	"github.com/apache/beam/sdks/v2/go/pkg/beam"
)

// Add adds the pipeline to a scope.
func Add(s beam.Scope, o Options) {
	o = o.filled()
	seed := beam.Create(s, []byte{}) // so that grouping always gives a group
	inputs, missing := beam.ParDo2(s.Scope("match"), &matchFn{o}, seed)
	inputs = beam.Reshuffle(s.Scope("match"), inputs)
	chunks, stats, dead := beam.ParDo3(s.Scope("read"), &readFn{o}, inputs)
	files := beam.SideInput{Input: one(s.Scope("stats"), &combineFn{o}, beam.Flatten(s, stats, seed))}
	if len(o.Taps) > 0 {
		joined := one(s.Scope("taps"), &tapsFn{o}, beam.Flatten(s, beam.DropKey(s, chunks), seed), files)
		finish(s, o, files, one(s.Scope("plan"), &planFn{o}, seed), joined, missing, dead, seed)
		return
	}

	groups := beam.GroupByKey(s.Scope("analyse"), chunks)
	running := beam.ParDo(s.Scope("interrupt"), &runningFn{Options: o}, groups, files)
	whole := one(s.Scope("interrupt"), &interruptFn{}, beam.Flatten(s, running, seed), files)
	known := beam.SideInput{Input: whole}
	alone, sums, opened := beam.ParDo3(s.Scope("analyse"), &analyseFn{Options: o}, groups, known)
	related := beam.ParDo(s.Scope("relate"), &relateFn{}, beam.GroupByKey(s.Scope("relate"), opened))
	analysed := beam.Flatten(s, alone, related)
	plan := one(s.Scope("plan"), &planFn{o}, beam.Flatten(s, sums, seed))
	planned := beam.SideInput{Input: plan}

	spread := beam.ParDo(s.Scope("spread"), &spreadFn{}, analysed, known, planned)
	ranges := beam.GroupByKey(s.Scope("number"), spread)
	findings, tables := beam.ParDo2(s.Scope("number"), &numberFn{Options: o}, ranges, known, planned)
	ordered := beam.GroupByKey(s.Scope("render"), findings)
	lines := beam.ParDo(s.Scope("render"), &renderFn{Options: o}, ordered, known)

	finish(s, o, known, plan, tables, lines, missing, dead, seed)
}

// finish moves the parts of the report to their places.
func finish(s beam.Scope, o Options, known beam.SideInput, plan beam.PCollection, parts ...beam.PCollection) {
	all := beam.GroupByKey(s.Scope("finish"), beam.AddFixedKey(s, beam.Flatten(s, parts...)))
	beam.ParDo0(s.Scope("finish"), &finishFn{o}, all, known, beam.SideInput{Input: plan})
}

// one groups all elements and processes them as one group.
func one(s beam.Scope, fn any, col beam.PCollection, sides ...beam.Option) beam.PCollection {
	return beam.ParDo(s, fn, beam.GroupByKey(s, beam.AddFixedKey(s, col)), sides...)
}
