package packed

import (
	"encoding/json"
	"errors"
	"math"

	"github.com/tcptrace-go/tcptrace/internal/stats"
)

// Places say where the captures were made, in a block of JSON: there is one of it, and it is
// not worth an encoding of its own.
type Places struct {
	Points   int              // capture points that are analysed each by itself; 0 or 1 if there is one
	Coverage []stats.Coverage // of each capture
	Plan     json.RawMessage  // what else is known of several capture points
}

// Related is what must be known of other shards to analyse this one, in a block of JSON.
type Related struct {
	// Openings are those of connections in other shards that began like one of this
	// shard, by capture point.
	Openings [][]stats.Opening
	// Hosts are all hosts of the trace, if findings may rest on them; nil if there are several capture points,
	// whose Taps have them.
	Hosts *stats.Hosts `json:",omitempty"`
	// Holes are when the trace misses frames; nil if it does not, and if there are no Hosts.
	Holes *stats.Holes `json:",omitempty"`
	// Delays are when hosts of the trace waited long for others; nil if there are several capture points.
	Delays stats.Delays `json:",omitempty"`
	// Scans are the port scans of the trace; nil if there are none, and if there are several capture points.
	Scans *stats.Scans `json:",omitempty"`
	// FTP are the hosts that have control connections of FTP; nil if none has, and if there are several capture points.
	FTP *stats.FTP `json:",omitempty"`
	// Taps is what several capture points have to do with each other; none if there is one.
	Taps json.RawMessage
}

// AppendJSON appends the content of a block of places, or of what is related.
func AppendJSON(b []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(b, text...), err
}

// ParsePlaces reads a block of places, of so many captures.
func ParsePlaces(b []byte, captures int) (p Places, err error) {
	if err = json.Unmarshal(b, &p); err != nil {
		return p, err
	}
	if p.Points < 0 || p.Points > math.MaxUint8 || len(p.Coverage) != 0 && len(p.Coverage) != captures {
		return p, errors.New("the places of the captures are impossible")
	}
	return p, nil
}

// ParseRelated reads a block of what is related, of so many capture points.
func ParseRelated(b []byte, points int) (r Related, err error) {
	if err = json.Unmarshal(b, &r); err == nil && len(r.Openings) > max(1, points) {
		err = errors.New("it is about more capture points than there are")
	}
	return r, err
}
