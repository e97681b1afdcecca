package cli

import (
	"fmt"
	"os"

	"github.com/tcptrace-go/tcptrace/internal/anonymize"
	"github.com/tcptrace-go/tcptrace/internal/engine"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// disguise is what --anonymize puts in the place of addresses and names. A nil
// disguise changes nothing.
type disguise struct {
	mapper *anonymize.Mapper
	names  *anonymize.Names
}

func newDisguise(f *flags) (*disguise, error) {
	if !f.anonymize {
		return nil, nil
	}
	key := anonymize.NewKey()
	if f.anonymizeKey != "" {
		content, err := os.ReadFile(f.anonymizeKey)
		if err != nil {
			return nil, fmt.Errorf("--anonymize-key: %w", err)
		}
		if key, err = anonymize.ParseKey(content); err != nil {
			return nil, fmt.Errorf("--anonymize-key %s: %w", f.anonymizeKey, err)
		}
	}
	return &disguise{anonymize.New(key), anonymize.NewNames(f.files)}, nil
}

// begin does what comes first however the command runs: from here on, no name
// that is to be replaced is printed, and no input is in danger.
func (c *command) begin() (err error) {
	if c.disguise, err = newDisguise(c.flags); err != nil {
		return err
	}
	return c.protectInputs()
}

// text is a message with the names of files replaced.
func (d *disguise) text(s string) string {
	if d == nil {
		return s
	}
	return d.names.In(s)
}

// apply has segments rewritten as they are decoded, so that nothing behind the
// decoder ever sees an original.
func (d *disguise) apply(o *engine.Options) {
	if d == nil {
		return
	}
	o.Rewrite = d.mapper.Segment
	if o.Follow != nil {
		o.Follow.Key.Lo, o.Follow.Key.Hi = d.mapper.Endpoint(o.Follow.Key.Lo), d.mapper.Endpoint(o.Follow.Key.Hi)
	}
}

// captures replaces the names of the files that a report tells of.
func (d *disguise) captures(r *result.Report) {
	if d != nil {
		d.names.Captures(r.Captures)
	}
}
