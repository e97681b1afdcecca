package pipeline

import "github.com/apache/beam/sdks/v2/go/pkg/beam"

// Namespace is the namespace of all metrics.
const Namespace = "tcptrace"

// metrics are shown by the runner while the pipeline runs. A repeated bundle may count
// twice with some runners; the report does not depend on metrics.
var metrics = struct {
	files, badFiles, frames, segments, runs, connections, findings beam.Counter
	chunks                                                         beam.Distribution // sizes in bytes
	perConnection                                                  beam.Distribution // segments of a four-tuple
}{
	files:         beam.NewCounter(Namespace, "files"),
	badFiles:      beam.NewCounter(Namespace, "bad_files"),
	frames:        beam.NewCounter(Namespace, "frames"),
	segments:      beam.NewCounter(Namespace, "segments"),
	runs:          beam.NewCounter(Namespace, "runs"),
	connections:   beam.NewCounter(Namespace, "connections"),
	findings:      beam.NewCounter(Namespace, "findings"),
	chunks:        beam.NewDistribution(Namespace, "chunk_bytes"),
	perConnection: beam.NewDistribution(Namespace, "four_tuple_segments"),
}
