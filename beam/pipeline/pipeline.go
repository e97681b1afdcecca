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
	whole := one(s.Scope("stats"), &combineFn{}, beam.Flatten(s, stats, seed))
	known := beam.SideInput{Input: whole}

	groups := beam.GroupByKey(s.Scope("analyse"), chunks)
	analysed, sums := beam.ParDo2(s.Scope("analyse"), &analyseFn{Options: o}, groups, known)
	plan := one(s.Scope("plan"), &planFn{o}, beam.Flatten(s, sums, seed))
	planned := beam.SideInput{Input: plan}

	spread := beam.ParDo(s.Scope("spread"), &spreadFn{}, analysed, known, planned)
	ranges := beam.GroupByKey(s.Scope("number"), spread)
	findings, tables := beam.ParDo2(s.Scope("number"), &numberFn{Options: o}, ranges, known, planned)
	ordered := beam.GroupByKey(s.Scope("render"), findings)
	lines := beam.ParDo(s.Scope("render"), &renderFn{Options: o}, ordered, known)

	parts := beam.Flatten(s, tables, lines, missing, dead, seed)
	all := beam.GroupByKey(s.Scope("finish"), beam.AddFixedKey(s, parts))
	beam.ParDo0(s.Scope("finish"), &finishFn{o}, all, known, planned)
}

// one groups all elements and processes them as one group.
func one(s beam.Scope, fn any, col beam.PCollection) beam.PCollection {
	return beam.ParDo(s, fn, beam.GroupByKey(s, beam.AddFixedKey(s, col)))
}
