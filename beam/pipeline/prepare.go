package pipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/beam/internal/store"
)

// ErrComplete is returned if there is a report already.
var ErrComplete = errors.New("there is a report already")

// Prepare prepares the output folder before the pipeline starts. It removes the files
// of a run that was killed, and a complete report if replace is set.
func Prepare(ctx context.Context, o Options, replace bool) error {
	if len(o.Inputs) == 0 && len(o.Taps) == 0 || o.Output == "" {
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
	// The report first: without it, the rest does not count.
	for _, name := range []string{ReportFile, FindingsFile, DeadLettersFile} {
		err = errors.Join(err, store.Remove(ctx, store.Join(o.Output, name)))
	}
	err = errors.Join(err, store.Remove(ctx, store.Join(o.Output, "connections", "part-*.parquet")))
	return errors.Join(err, o.tidy(ctx))
}

// tidy removes temporary files.
func (o *Options) tidy(ctx context.Context) error {
	err := store.Remove(ctx, store.Join(o.Output, workFolder, "*"))
	return errors.Join(err, store.RemoveFolder(store.Join(o.Output, workFolder)))
}
