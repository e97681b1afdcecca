package stats

import (
	"slices"
	"testing"
	"time"
)

// hello is a spanning tree hello of a switch.
var hello = append([]byte{1, 0x80, 0xc2, 0, 0, 0, 2, 0, 0, 0, 0, 9, 0, 0x26}, make([]byte, 46)...)

// beaten is the rhythm of a file in which a switch beats so often, pauses with everybody else, and goes on.
func beaten(before int, period, pause time.Duration, after int, between ...time.Duration) *Rhythm {
	r, at := new(Rhythm), int64(1e18)
	beat := func() {
		for range 2 { // captured twice
			r.Frame(at)
			r.Other(linkEthernet, hello, at)
		}
	}
	for range before {
		beat()
		at += int64(period)
	}
	at -= int64(period)
	for _, d := range between { // frames of others
		r.Frame(at + int64(d))
	}
	at += int64(pause)
	for range after {
		beat()
		at += int64(period)
	}
	return r
}

func TestRhythm(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name string
		r    *Rhythm
		want int
	}{
		{"a minute", beaten(11, 2*s, 60*s, 4), 1},
		{"just long enough", beaten(11, 2*s, 10*s, 4), 1},
		{"one beat sooner", beaten(11, 2*s, 8*s, 4), 0},
		{"too few beats before", beaten(10, 2*s, 60*s, 4), 0},
		{"too few beats after", beaten(11, 2*s, 60*s, 3), 0},
		{"as fast as retries", beaten(30, 1*s, 60*s, 30), 0},
		{"another host sends something meanwhile", beaten(11, 2*s, 60*s, 4, 30*s), 0},
		{"another host ends just after", beaten(11, 2*s, 60*s, 4, 1*s), 1},
	} {
		if len(c.r.Blind) != c.want {
			t.Errorf("%s: blind %v, want %d", c.name, c.r.Blind, c.want)
		}
	}
}

// What another file may cover is no gap of the trace.
func TestTrace_Blinded(t *testing.T) {
	blind := beaten(11, 2*time.Second, time.Minute, 4)
	gap := blind.Blind[0]
	for _, c := range []struct {
		name string
		file Rhythm
		want []Gap
	}{
		{"before", Rhythm{First: 1, Last: gap.From}, []Gap{gap}},
		{"meanwhile", Rhythm{First: gap.From + 1, Last: gap.To - 1}, nil},
		{"around", Rhythm{First: 1, Last: gap.To + 1}, nil},
	} {
		var trace Trace
		if trace.Blinded([]Rhythm{*blind, c.file}); !slices.Equal(trace.Gaps, c.want) {
			t.Errorf("%s: gaps %v, want %v", c.name, trace.Gaps, c.want)
		}
	}
	trace := Trace{Pauses: []Gap{gap}}
	if trace.Blinded([]Rhythm{*blind}); len(trace.Pauses) != 0 || !slices.Equal(trace.Gaps, []Gap{gap}) {
		t.Errorf("gaps %v, pauses %v", trace.Gaps, trace.Pauses)
	}
}
