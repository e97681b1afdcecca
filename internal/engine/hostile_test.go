package engine

import (
	"runtime"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/flow"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// open gives the handshake of a connection whose sides begin at 0.
func (f *feeder) open() *flow.Flow {
	scaled := reassembly.Options{Has: reassembly.HasScale, Scale: 5}
	f.give(false, reassembly.Segment{Flags: reassembly.SYN, Window: 1000, Opts: scaled})
	f.give(true, reassembly.Segment{Ack: 1, Flags: reassembly.SYN | reassembly.ACK, Window: 1000, Opts: scaled})
	return f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 1000})
}

// flap has the client probe a window for a while, from byte n of its data on.
func (f *feeder) flap(n uint32) {
	f.give(true, reassembly.Segment{Seq: 1, Ack: 1 + reassembly.Seq(n), Flags: reassembly.ACK})
	for range 4 {
		f.position += 6000 // milliseconds
		f.give(false, reassembly.Segment{Seq: 1 + reassembly.Seq(n), Ack: 1, Len: 1, Flags: reassembly.ACK, Window: 1000})
	}
	f.position += 6000
	f.give(true, reassembly.Segment{Seq: 1, Ack: 2 + reassembly.Seq(n), Flags: reassembly.ACK, Window: 1000})
}

// heap is what is held after collecting, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Whatever one connection does twenty thousand times, what is kept of it does
// not grow.
func TestPartition_oneConnectionKeepsItsSize(t *testing.T) {
	const times, ack = 20_000, reassembly.ACK
	for name, once := range map[string]func(f *feeder, n uint32){
		"ACKs of everything": func(f *feeder, n uint32) {
			f.give(n%2 == 0, reassembly.Segment{Seq: reassembly.Seq(n * 2654435761), Ack: reassembly.Seq(n * 40503), Flags: ack, Window: uint16(n)})
		},
		"windows that flap": (*feeder).flap,
		"windows that flap now and then": func(f *feeder, n uint32) {
			f.position += 60_000
			f.flap(n)
		},
		"windows that flap at once": func(f *feeder, n uint32) {
			f.give(true, reassembly.Segment{Seq: 1, Ack: 1, Flags: ack, Window: uint16(n & 1)})
			f.give(false, reassembly.Segment{Seq: 1, Ack: 1, Flags: ack, Window: 1000})
		},
		"pieces with holes between": func(f *feeder, n uint32) {
			f.give(false, reassembly.Segment{Seq: 1 + reassembly.Seq(n)*20, Ack: 1, Len: 10, Flags: ack, Window: 1000})
		},
		"pieces that overlap": func(f *feeder, n uint32) {
			f.give(false, reassembly.Segment{Seq: 1 + reassembly.Seq(n*7919%60000), Ack: 1, Len: 1 + n%1400, Flags: ack, Window: 1000})
		},
		"FINs here and there": func(f *feeder, n uint32) {
			f.give(n%2 == 0, reassembly.Segment{Seq: 1 + reassembly.Seq(n%500), Ack: 1, Len: n % 3, Flags: ack | reassembly.FIN, Window: 1000})
		},
		"RSTs that nobody believes": func(f *feeder, n uint32) {
			f.give(n%2 == 0, reassembly.Segment{Seq: 1<<30 + reassembly.Seq(n), Flags: reassembly.RST})
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFeeder()
			f.open()
			for n := range uint32(times / 10) {
				once(f, n)
			}
			before := heap()
			for n := uint32(times / 10); n < times; n++ {
				once(f, n)
			}
			const slack = 64 << 10 // of the runtime
			if grown := heap() - before; grown > slack {
				t.Errorf("%d bytes more are held than after a tenth", grown)
			}
			if f.flows.Len() > 64 {
				t.Errorf("%d connections are held", f.flows.Len())
			}
		})
	}
}

// Of very many findings, the first and the last are listed, and how many are not.
func TestPartition_manyFindings(t *testing.T) {
	f := newFeeder()
	fl := f.open()
	const times = 150
	for n := range uint32(times) {
		f.position += 60_000
		f.flap(n)
	}
	listed := f.end(1, fl, detectors.Ending{At: f.now}, 0, nil)
	if len(listed) != 100 {
		t.Fatalf("%d findings of %d are listed", len(listed), times)
	}
	last := listed[len(listed)-1]
	if !strings.HasSuffix(last.Message, "Before this, 50 more findings of the connection are left out.") || last.At < f.now-int64(1e9) {
		t.Errorf("the last is of %d, now is %d: %s", last.At, f.now, last.Message)
	}
}

// A connection of 2^34 bytes goes round the sequence space four times.
func TestPartition_longConnection(t *testing.T) {
	f := newFeeder()
	fl := f.open()
	const piece, total = 1 << 20, 1 << 34 // as offloading hands them over
	f.give(true, reassembly.Segment{Seq: 1, Ack: 1, Flags: reassembly.ACK, Window: 65535})
	for at := uint64(1); at <= total; at += piece {
		f.give(false, reassembly.Segment{Seq: reassembly.Seq(at), Ack: 1, Len: piece, Flags: reassembly.ACK, Window: 1000})
		f.give(true, reassembly.Segment{Seq: 1, Ack: reassembly.Seq(at + piece), Flags: reassembly.ACK, Window: 65535})
	}
	row := f.row(fl, detectors.Ending{At: f.now})
	if row.Bytes[0] != total || row.Rexmits[0] != 0 || f.flows.Len() != 1 || fl.Watchers != 0 {
		t.Errorf("%d bytes, %d retransmissions, %d connections", row.Bytes[0], row.Rexmits[0], f.flows.Len())
	}
}
