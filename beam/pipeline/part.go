package pipeline

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/tcptrace-go/tcptrace/beam/internal/intake"
	"github.com/tcptrace-go/tcptrace/beam/internal/store"
	"github.com/tcptrace-go/tcptrace/beam/internal/wire"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A part is a part of the output, which finishFn moves to its place.
type part struct {
	Kind   string
	Range  int
	Name   string // of the file in the work folder
	Text   string // line of a dead letter
	Groups []result.Group
}

// Kinds of parts.
const (
	connections = "connections"
	findings    = "findings"
	deadLetters = "dead-letters"
	summaries   = "summary" // in Text, if the report has several taps
)

// letter is a dead letter as a part.
func letter(d *intake.Dead) []byte {
	line, _ := json.Marshal(d) // a struct of strings and numbers
	return wire.Append(nil, &part{Kind: deadLetters, Text: string(line)})
}

// workFolder has the temporary files. If a run is killed, the next one removes it.
const workFolder = ".tcptrace-work"

// work is a unique name of a temporary file.
func (o *Options) work(ending string) string {
	return store.Join(o.Output, workFolder, fmt.Sprintf("%016x.%s", rand.Uint64(), ending))
}

// order is the index of each detector in the list.
func (o *Options) order() map[string]int {
	order := map[string]int{}
	list, _ := choose(o.Detect)
	for i, d := range list {
		order[d.Name] = i
	}
	return order
}
