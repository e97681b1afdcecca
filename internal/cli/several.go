//go:build !js

package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/live"
	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// sniffSeveral captures from several interfaces, such as both sides of a firewall, until
// it is stopped, and then analyses what it has saved: each interface is a tap. Meanwhile it
// prints what is found so far.
func (c *command) sniffSeveral() (err error) {
	f := c.flags
	if err := f.joinFilter(); err != nil {
		return err
	}
	if err := c.protectInputs(); err != nil {
		return err
	}
	if c.filter, err = newFrameFilter(f); err != nil {
		return err
	}
	r := &live.Recorder{Names: f.interfaces, Now: time.Now, Elapsed: live.Stopwatch(), Warn: func(text string) { c.warn("%s", text) }}
	keeper := &live.Keeper{Name: f.keep, Section: captureSection(), Guard: &c.guard}
	for _, name := range f.interfaces {
		ring, err := c.openRing(name)
		if err != nil {
			return err
		}
		defer ring.Close()
		r.Sources = append(r.Sources, ring)
		keeper.Interfaces = append(keeper.Interfaces, pcapng.Interface{Link: uint16(ring.Link()), Name: name, Filter: f.filter})
	}
	ctx, captured := untilSignal() // from here on, there is something to remove
	defer captured()
	if keeper.Name == "" {
		dir, err := os.MkdirTemp("", "tcptrace")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		keeper.Name = filepath.Join(dir, "live.pcapng")
	}
	if err := keeper.Open(); err != nil {
		return err
	}
	if err := c.makeEvidenceDir(); err != nil {
		return err
	}
	r.Keeper = keeper
	// From here on it is a capture file; frames are looked at only once rights are given up.
	places := c.outputs()
	if f.keep == "" {
		places = append(places, os.TempDir()) // to remove what is there
	}
	f.iface, f.keep, f.files = "", "", []string{keeper.Name}
	c.anonymizer.nameInputs(f)
	c.confine(places, f.anonymizeKey, f.resolve, f.filterBPF)
	c.env.Confine = false
	looking := c.lookMeanwhile(keeper.Name)
	err = c.record(ctx, r)
	captured()
	looking()
	if err != nil {
		return errors.Join(err, c.analyse()) // of what was saved
	}
	return c.analyse()
}

// lookMeanwhile prints findings while the capture runs. The returned function ends that.
func (c *command) lookMeanwhile(name string) (end func()) {
	m := c.newInterim(name)
	if m == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.run(ctx)
	}()
	return func() {
		cancel()
		<-ended
		c.check(m.err)
	}
}

// record runs until ctx ends, or for --duration.
func (c *command) record(ctx context.Context, r *live.Recorder) error {
	if d := c.flags.duration; d != 0 {
		defer time.AfterFunc(d, r.Stop).Stop()
	}
	defer context.AfterFunc(ctx, r.Stop)()
	return r.Run()
}
