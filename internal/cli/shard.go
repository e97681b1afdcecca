package cli

import (
	"errors"
	"fmt"

	"github.com/tcptrace-go/tcptrace/internal/shard"
	"github.com/tcptrace-go/tcptrace/internal/source"
)

// suits refuses flags that need frames if the inputs are shards, which have none.
func (c *command) suits(trace source.Trace) error {
	f := c.flags
	if c.plan.Names() != nil && c.anonymizer != nil {
		if _, is := trace.(*shard.Trace); is {
			return errors.New("--anonymize: these shards name the taps that their captures come from; use it when splitting")
		}
	}
	if _, is := trace.(*shard.Trace); !is {
		return nil
	}
	for _, x := range [...]struct {
		flag  string
		given bool
	}{{"--filter", f.filter != ""}, {"--filter-bpf", f.filterBPF != ""}, {"--verify-checksums", f.checksums}} {
		if x.given {
			return fmt.Errorf("%s: shards hold segments, not frames; use it when splitting", x.flag)
		}
	}
	if f.anonymizeTimes {
		return errors.New("--anonymize-times: use it when splitting")
	}
	if f.evidencePayload {
		return errors.New("--evidence-payload: shards hold no payload")
	}
	if f.wireshark != "" {
		return errors.New("--wireshark: shards hold no frames by which Wireshark's could be recognised; use it on the captures")
	}
	return nil
}
