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

// A part is a piece of the output, written and waiting for its place.
type part struct {
	Kind   string
	Range  int
	Name   string // of the file, under the work folder
	Text   string // of a dead letter: the line itself
	Groups []result.Group
}

// Kinds of parts.
const (
	connections = "connections"
	findings    = "findings"
	deadLetters = "dead-letters"
)

// letter is a dead letter as a part.
func letter(d *intake.Dead) []byte {
	line, _ := json.Marshal(d) // a struct of strings and numbers
	return wire.Append(nil, &part{Kind: deadLetters, Text: string(line)})
}

// workFolder is what a run leaves behind that was killed; the next one removes it.
const workFolder = ".tcptrace-work"

// work is the name of a file for the meantime. No two attempts have the same.
func (o *Options) work(ending string) string {
	return store.Join(o.Output, workFolder, fmt.Sprintf("%016x.%s", rand.Uint64(), ending))
}

// order is the place of each detector in the list.
func (o *Options) order() map[string]int {
	order := map[string]int{}
	list, _ := choose(o.Detect)
	for i, d := range list {
		order[d.Name] = i
	}
	return order
}
