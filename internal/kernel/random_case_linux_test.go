package kernel

import (
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// A randomCase is a case whose actions are random.
type randomCase struct {
	seed    uint64
	r       *rand.Rand
	w       *wire
	sides   [2]*app
	actions []action
	moments []*moment
	kernel  *tracer           // nil if it does not say its reasons
	ended   int64             // when its sockets began to be removed, nanoseconds since 1970
	counted [2]map[string]int // what each host's own counters have counted
}

// An action is something that was done, at a time in nanoseconds since 1970. Side is
// -1 for the wire.
type action struct {
	at         int64
	side       int
	what, more string
}

func (p *randomCase) did(side int, what, more string, args ...any) {
	p.actions = append(p.actions, action{time.Now().UnixNano(), side, what, fmt.Sprintf(more, args...)})
}

// chance is true with a probability of so many percent.
func (p *randomCase) chance(percent int) bool { return p.r.IntN(100) < percent }

func pick[T any](p *randomCase, of ...T) T { return of[p.r.IntN(len(of))] }

// run runs the case, on ports that no earlier one has used.
func (p *randomCase) run(n int64) {
	p.sides[0].port, p.sides[1].port = uint16(10_000+n%20_000), uint16(40_000+n%20_000)
	p.setUp()
	for i, s := range p.sides {
		p.counted[i] = s.h.counters()
	}
	p.open()
	for range 3 + p.r.IntN(20) {
		p.step()
		p.pause()
		if p.chance(30) {
			p.look()
		}
	}
	p.wait(pick(p, 0, 100*time.Millisecond, time.Second, 4*time.Second, 9*time.Second))
	p.look()
	for i, s := range p.sides {
		for name, n := range s.h.counters() {
			p.counted[i][name] = n - p.counted[i][name]
		}
	}
	p.cleanUp()
}

// setUp configures both hosts.
func (p *randomCase) setUp() {
	for i, s := range p.sides {
		for name, value := range map[string]string{
			"tcp_timestamps": pick(p, "1", "1", "1", "1", "0"), "tcp_sack": pick(p, "1", "1", "1", "1", "0"),
			"tcp_fin_timeout": pick(p, "60", "60", "2", "1"), "tcp_orphan_retries": pick(p, "0", "0", "1", "3"),
			"tcp_synack_retries": pick(p, "5", "5", "2", "1"), "tcp_syn_retries": pick(p, "6", "6", "2", "1"), "tcp_retries2": pick(p, "15", "15", "5", "3"),
			"tcp_tw_reuse": pick(p, "2", "1"), "tcp_abort_on_overflow": pick(p, "0", "0", "0", "0", "1"), "tcp_rfc1337": pick(p, "0", "0", "0", "1"),
			"tcp_no_metrics_save": "1", "tcp_window_scaling": pick(p, "1", "1", "1", "1", "0"),
			"tcp_syncookies": pick(p, "1", "1", "1", "1", "1", "1", "2"),
		} {
			s.h.sysctl("net/ipv4/"+name, value)
		}
		s.room, s.nodelay = pick(p, 0, 0, 0, 4000, 20_000), p.chance(50)
		p.w.do(func() {
			before, after := p.delay(), p.delay()
			p.w.legs[i] = [2]leg{{delay: before}, {delay: after}}
			p.did(-1, "delay", "of what the %s sends: %v, then %v", s.h.name, before, after)
		})
	}
	p.w.do(func() {
		p.w.ports = [2]uint16{p.sides[0].port, p.sides[1].port}
		p.w.faults, p.w.packets, p.w.frames, p.w.muted, p.w.stalled = nil, nil, nil, [2]bool{}, false
		p.w.tapping = !p.chance(5)
		p.w.tick()
	})
	for range pick(p, 0, 0, 1, 1, 2) {
		p.fault()
	}
}

func (p *randomCase) delay() time.Duration {
	return pick(p, 0, 0, 0, time.Duration(p.r.IntN(20))*time.Millisecond, time.Duration(p.r.IntN(100))*time.Millisecond)
}

// open opens the connection, or tries to.
func (p *randomCase) open() {
	server := p.sides[1]
	switch how := p.r.IntN(100); {
	case how < 4: // simultaneous open: both SYNs are in flight
		for side := range 2 {
			p.w.do(func() {
				p.w.faults = append(p.w.faults, &fault{from: side, kind: anySYN, count: 1, what: "hold up", late: time.Duration(5+p.r.IntN(20)) * time.Millisecond})
			})
		}
		p.dial(0)
		p.dial(1)
	case how < 8: // nobody listens, yet
		p.dial(0)
		p.pause()
		server.listener = p.listen(server)
	default:
		server.listener = p.listen(server)
		p.dial(0)
		if p.chance(90) {
			p.pauseFor(time.Duration(p.r.IntN(int(p.roundTrip() + 5*time.Millisecond))))
			p.accept(1, p.roundTrip()+200*time.Millisecond)
		}
	}
}

func (p *randomCase) roundTrip() time.Duration {
	var sum time.Duration
	for _, d := range p.w.legs {
		sum += d[0].delay + d[1].delay
	}
	return sum
}

func (p *randomCase) stateOf(side int, entries []entry) string {
	s := p.sides[side]
	for _, entry := range entries {
		if entry.Local == s.h.endpoint(s.port) && entry.Foreign == s.h.peer.endpoint(p.sides[1-side].port) {
			return entry.State
		}
	}
	return "CLOSED"
}

// look asks both kernels for their sockets while no packet is in flight.
func (p *randomCase) look() {
	p.w.do(func() {
		for range 5 {
			p.w.settle()
			m := &moment{}
			before := [2]string{}
			for side, s := range p.sides {
				before[side] = p.stateOf(side, s.h.sockets())
			}
			for side, s := range p.sides {
				entry := entry{Local: s.h.endpoint(s.port), Foreign: s.h.peer.endpoint(p.sides[1-side].port)}
				entry.State = p.stateOf(side, s.h.sockets())
				m.Sockets = append(m.Sockets, entry)
			}
			p.w.settle()
			m.At = time.Now().UTC()
			if before == [2]string{m.Sockets[0].State, m.Sockets[1].State} && p.quietSince() {
				p.moments = append(p.moments, m)
				return
			}
		}
	})
}

// quietSince reports whether nothing was sent for a moment.
func (p *randomCase) quietSince() bool {
	n := len(p.w.packets)
	p.w.settle()
	return n == len(p.w.packets)
}

// cleanUp ends the case. Its sockets must not send packets in the next one.
func (p *randomCase) cleanUp() {
	p.w.do(func() {
		p.w.tick()
		p.ended = time.Now().UnixNano()
		p.w.tapping, p.w.ports, p.w.due = false, [2]uint16{}, nil
	})
	for side, s := range p.sides {
		for _, fd := range []*int{&s.fd, &s.listener} {
			if *fd >= 0 {
				unix.Close(*fd)
				*fd = -1
			}
		}
		local, foreign := net.TCPAddrFromAddrPort(s.h.endpoint(s.port)), net.TCPAddrFromAddrPort(s.h.peer.endpoint(p.sides[1-side].port))
		for range 3 {
			if p.stateOf(side, s.h.sockets()) == "CLOSED" {
				break
			}
			s.h.nl.SocketDestroy(local, foreign)
		}
	}
}
