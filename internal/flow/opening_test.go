package flow

import (
	"testing"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// handshake opens a connection of the client.
func (d *driver) handshake(client uint16) {
	d.give(client, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN})
	d.give(client, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.SYN | reassembly.ACK})
	d.give(client, false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK})
}

// A flood, whatever it consists of, drives out no connection that was opened, as long as
// there is room for one of its own, and exactly one if there is none.
func TestMakeRoom_flood(t *testing.T) {
	const room, flood = 200, 20_000
	syn := reassembly.Segment{Seq: 1, Flags: reassembly.SYN}
	for name, send := range map[string]func(d *driver, client uint16){
		"SYNs": func(d *driver, client uint16) { d.give(client, false, syn) },
		"SYNs, repeated": func(d *driver, client uint16) {
			d.give(client, false, syn)
			d.give(client, false, syn)
		},
		"SYNs, answered": func(d *driver, client uint16) {
			d.give(client, false, syn)
			d.give(client, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.SYN | reassembly.ACK})
		},
		"SYN-ACKs": func(d *driver, client uint16) {
			d.give(client, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.SYN | reassembly.ACK})
		},
		"ACKs": func(d *driver, client uint16) {
			d.give(client, false, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.ACK})
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, opened := range []int{1, room - 1, room} {
				d := newDriver(room)
				for n := range opened {
					d.handshake(uint16(n + 1))
				}
				for n := range flood {
					send(d, uint16(opened+1+n))
				}
				left := 0
				for n := range opened {
					if !d.holds(uint16(n + 1)) {
						left++
					}
				}
				if want := opened / room; left != want {
					t.Errorf("of %d connections in a table for %d, %d were driven out, want %d", opened, room, left, want)
				}
				if n := len(d.openings.queue); n > 4*room {
					t.Errorf("%d places in the queue", n)
				}
			}
		})
	}
}

// One that is opened after all is none of those that leave first, and the queue does not
// grow with the number of these.
func TestMakeRoom_openedLate(t *testing.T) {
	const room = 100
	d := newDriver(room)
	for n := range uint16(room + 1) { // the first leaves
		d.give(n+1, false, reassembly.Segment{Seq: 1, Flags: reassembly.SYN})
	}
	d.give(2, true, reassembly.Segment{Seq: 1, Ack: 2, Flags: reassembly.SYN | reassembly.ACK})
	d.give(2, false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.ACK})
	for n := range uint16(10_000) {
		d.handshake(n + room + 2)
		d.give(n+room+2, false, reassembly.Segment{Seq: 2, Ack: 2, Flags: reassembly.RST | reassembly.ACK})
		if n == 0 && (!d.holds(2) || d.holds(3)) {
			t.Error("the connection that was opened left before one that was not")
		}
	}
	if n := len(d.openings.queue); n > 4*room {
		t.Errorf("%d places in the queue", n)
	}
}

// Whoever floods a full table waits no longer for the next than for the one before.
func BenchmarkMakeRoom_flood(b *testing.B) {
	d := newDriver(10_000)
	for n := range 9_999 {
		d.handshake(uint16(n + 1))
	}
	for n := range b.N {
		d.give(uint16(10_000+n%50_000), false, reassembly.Segment{Seq: reassembly.Seq(n) * 1_000_003, Flags: reassembly.SYN})
	}
}
