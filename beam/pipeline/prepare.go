package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/beam/internal/store"
)

// ErrComplete says that there is a report already.
var ErrComplete = errors.New("there is a report already")

// Prepare readies the output folder, before the pipeline is started: what a run
// left behind that was killed goes away, and a complete report only if replace
// says so.
func Prepare(ctx context.Context, o Options, replace bool) error {
	if len(o.Inputs) == 0 || o.Output == "" {
		return errors.New("name the captures to read, and the folder to write to")
	}
	if _, err := o.engine(); err != nil {
		return err
	}
	done, err := store.List(ctx, store.Join(o.Output, ReportFile))
	if err != nil {
		return err
	}
	if len(done) > 0 && !replace {
		return fmt.Errorf("%s: %w", done[0], ErrComplete)
	}
	// The report first: without it the rest is no report.
	for _, name := range []string{ReportFile, FindingsFile, DeadLettersFile} {
		err = errors.Join(err, store.Remove(ctx, store.Join(o.Output, name)))
	}
	err = errors.Join(err, store.Remove(ctx, store.Join(o.Output, "connections", "part-*.parquet")))
	return errors.Join(err, o.tidy(ctx))
}

// tidy removes what was written for the meantime.
func (o *Options) tidy(ctx context.Context) error {
	err := store.Remove(ctx, store.Join(o.Output, workFolder, "*"))
	return errors.Join(err, store.RemoveFolder(store.Join(o.Output, workFolder)))
}
