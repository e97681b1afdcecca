package pipeline

import (
	"context"
	"io"

	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
)

func init() {
	register.DoFn5x1[context.Context, []byte, func([]byte, []byte), func([]byte), func([]byte), error](&readFn{})
	register.Emitter2[[]byte, []byte]()
}

// readFn splits a file by connection.
type readFn struct{ Options Options }

// ProcessElement emits the chunks of the file by four-tuple, its statistics, and a
// dead letter if it is damaged.
func (f *readFn) ProcessElement(ctx context.Context, element []byte, chunks func([]byte, []byte), stats, dead func([]byte)) error {
	var in input
	if _, err := wire.Read(element, &in); err != nil {
		return err
	}
	r := intake.Reader{
		Open: func(name string) (io.ReadCloser, error) { return store.Open(ctx, name) },
		Emit: func(key, value []byte) error {
			metrics.chunks.Update(ctx, int64(len(value)))
			chunks(key, value)
			return nil
		},
		Create: func() (io.WriteCloser, string, error) {
			metrics.runs.Inc(ctx, 1)
			name := f.Options.work("run")
			w, err := store.Create(ctx, name)
			return w, name, err
		},
		Travel: max(f.Options.Least, f.Options.Group/in.Of),
		Hold:   f.Options.Hold,

		Together: len(f.Options.Taps) > 0,
	}
	file, letterOf, err := r.Read(uint16(in.Index), in.Name)
	if err != nil {
		return err
	}
	file.Tap = in.Tap
	metrics.files.Inc(ctx, 1)
	metrics.frames.Inc(ctx, int64(file.Frames))
	metrics.segments.Inc(ctx, int64(file.Segments))
	if letterOf != nil {
		metrics.badFiles.Inc(ctx, 1)
		dead(letter(letterOf))
	}
	stats(wire.Append(nil, file))
	return nil
}
