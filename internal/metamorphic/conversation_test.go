package metamorphic

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/capture"
	"github.com/tcptrace-go/tcptrace/internal/race"
	"github.com/tcptrace-go/tcptrace/internal/scenario"
)

// A conversation is one trace.
type conversation struct {
	name   string
	frames []frame
	plain  *summary // of the plain capture
}

// conversations are all traces of all scenarios of the repository, and the
// recordings of real hosts.
var conversations = sync.OnceValues(func() ([]*conversation, error) {
	var all []*conversation
	for _, pattern := range []string{"samples/*.txtar", "detectors/testdata/*.txtar", "fsm/testdata/*.txtar", "internal/metamorphic/testdata/*.txtar", "samples/real/*.pcap"} {
		names, err := filepath.Glob(filepath.Join("../..", pattern))
		if err != nil || len(names) == 0 {
			return nil, fmt.Errorf("nothing matches %s (%v)", pattern, err)
		}
		for _, name := range names {
			some, err := read(name)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, some...)
		}
	}
	return all, nil
})

// read reads the conversations of a scenario, or the one of a recording.
func read(name string) ([]*conversation, error) {
	label := strings.TrimPrefix(filepath.ToSlash(name), "../../")
	if filepath.Ext(name) == ".pcap" {
		recording, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		c, err := newConversation(label, recording, 0)
		return []*conversation{c}, err
	}
	file, err := parse(name)
	if err != nil {
		return nil, err
	}
	var all []*conversation
	for i, trace := range file.Traces {
		capture, err := trace.Pcapng()
		if err != nil {
			return nil, err
		}
		c, err := newConversation(label+"/"+strconv.Itoa(i+1), capture, trace.End)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func parse(name string) (*scenario.File, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return scenario.Parse(name, text)
}

// newConversation reads a capture, which continues until end if that is not 0.
func newConversation(name string, file []byte, end int64) (*conversation, error) {
	frames, err := readFrames(file, end)
	if err != nil {
		return nil, err
	}
	rep, err := analyse(plain.pcap(frames))
	if err != nil {
		return nil, err
	}
	return &conversation{name: name, frames: frames, plain: summarise(rep, nil)}, nil
}

// readFrames reads the frames of a capture. Its end becomes a frame that is not TCP,
// because few formats can state it.
func readFrames(file []byte, end int64) ([]frame, error) {
	trace, errs := capture.OpenTrace([]string{"-"}, capture.Options{Stdin: bytes.NewReader(file)})
	if len(errs) > 0 {
		return nil, errs[0]
	}
	defer trace.Close()
	var frames []frame
	var fr capture.Frame
	for {
		err := trace.Next(&fr)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		f := newFrame(fr.Data, fr.Len)
		f.at = trace.RawTime(fr.File, fr.Num, fr.At)
		frames = append(frames, f)
	}
	if end != 0 {
		frames = append(frames, frame{at: end, packet: datagram(), other: true})
	}
	return frames, nil
}

// full makes every change to every conversation.
var full = os.Getenv("METAMORPHIC") == "full"

// forEach runs the test on one of every so many conversations. Which ones depends on
// the name of the test.
func forEach(t *testing.T, every uint64, test func(*testing.T, *conversation)) {
	t.Helper()
	t.Parallel()
	all, err := conversations()
	if err != nil {
		t.Fatal(err)
	}
	if race.Enabled {
		every *= 3 // see race.Leaves
	}
	for _, c := range all {
		if !full && number(t.Name(), c.name)%every != 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) { test(t, c) })
	}
}

// number is the same for the same words in every run.
func number(words ...string) uint64 {
	h := fnv.New64a()
	for _, w := range words {
		fmt.Fprintf(h, "%s|", w)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// random returns numbers that are the same in every run of the test.
func random(t *testing.T) *rand.Rand { return rand.New(rand.NewPCG(number(t.Name()), 1)) }

// goesBack reports whether a frame is earlier than the one before it. Splitting such
// a capture changes the order.
func (c *conversation) goesBack() bool {
	for i := 1; i < len(c.frames); i++ {
		if c.frames[i].at < c.frames[i-1].at {
			return true
		}
	}
	return false
}

// fallsSilent reports whether there is no frame for an hour. Nothing counts as absent
// after its last frame, even if that is a duplicate.
func (c *conversation) fallsSilent() bool {
	for i := 1; i < len(c.frames); i++ {
		if c.frames[i].at-c.frames[i-1].at > 3600e9 {
			return true
		}
	}
	return false
}

// inOneTunnel reports whether all frames have the same tags, which then do not
// matter.
func (c *conversation) inOneTunnel() bool {
	for i := range c.frames {
		if !c.frames[i].other && !bytes.Equal(c.frames[i].tags, c.frames[0].tags) {
			return false
		}
	}
	return true
}

// hasDuplicates reports whether frames were, or may have been, captured more than once.
// Only link-layer addresses and IPv4 identifications show that.
func (c *conversation) hasDuplicates() bool { return c.plain.duplicates }
