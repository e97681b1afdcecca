package kernel

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// What may happen in a random case.

// fault adds a fault to the wire.
func (p *randomCase) fault() {
	f := &fault{from: p.r.IntN(2), afterTap: p.r.IntN(2), skip: pick(p, 0, 0, 1, 2, 5), count: pick(p, 0, 0, 1, 1, 1, 2, 3)}
	names := []string{"anything", "SYN", "SYN-ACK", "FIN", "FIN", "RST", "pure ACK", "data"}
	kinds := []kind{anything, anySYN, synACK, anyFIN, anyFIN, anyRST, pureACK, {}}
	i := p.r.IntN(len(kinds))
	f.kind, f.payload = kinds[i], i == len(kinds)-1
	f.what = pick(p, "lose", "lose", "lose", "lose", "lose", "double", "hold up", "hold up", "miss")
	f.late = pick(p, time.Millisecond, 5*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond)
	p.w.do(func() { p.w.faults = append(p.w.faults, f) })
	p.did(-1, "fault", "%s %s of the %s, after the tap: %d, skip %d, count %d, late %v", f.what, names[i], p.sides[f.from].h.name, f.afterTap, f.skip, f.count, f.late)
}

// repair ends all faults.
func (p *randomCase) repair() {
	p.w.do(func() {
		for _, f := range p.w.faults {
			f.off = true
		}
	})
	p.did(-1, "repair", "")
}

// step does a random action.
func (p *randomCase) step() {
	side := p.r.IntN(2)
	s := p.sides[side]
	switch n := p.r.IntN(100); {
	case n < 22:
		p.send(side, pick(p, 1, 100, 100, 1000, 5000, 20_000, 100_000))
	case n < 40:
		p.receive(side, pick(p, 100, 10_000, 1<<20, 1<<20))
	case n < 46:
		p.finish(side)
	case n < 52:
		p.close(side)
	case n < 54:
		p.abort(side)
	case n < 60:
		p.accept(1, 0)
	case n < 62:
		p.set(side, "keep-alive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
		p.set(side, "", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 1)
		p.set(side, "", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 1)
		p.set(side, "", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 1+p.r.IntN(3))
	case n < 64:
		p.set(side, "user timeout", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, pick(p, 500, 1500, 3000))
	case n < 70:
		p.forget(side)
	case n < 78:
		p.fault()
	case n < 83:
		p.repair()
	case n < 86: // a host is away
		which := pick(p, 0, 1, 2, 3)
		p.w.do(func() {
			if which != 1 {
				p.w.faults = append(p.w.faults, &fault{from: side, what: "lose"})
			}
			if which != 2 {
				p.w.faults = append(p.w.faults, &fault{from: 1 - side, afterTap: 1, what: "lose"})
			}
		})
		p.did(-1, "away", "the %s (%d)", s.h.name, which)
	case n < 88:
		p.close(0)
		p.close(1)
	case n < 90:
		p.closeListener()
	case n < 92:
		p.w.do(func() { p.w.tapping = true })
	case n < 97 && p.sides[1].listener >= 0: // the same ports again
		p.close(0)
		if p.chance(50) {
			p.close(1)
			p.pause()
		}
		p.dial(0)
		p.pause()
		p.accept(1, 300*time.Millisecond)
	default:
		p.wait(time.Duration(p.r.IntN(3000)) * time.Millisecond)
	}
}

// pause is usually short.
func (p *randomCase) pause() {
	p.pauseFor(pick(p, 0, 0, 2*time.Millisecond, 20*time.Millisecond, 60*time.Millisecond, 300*time.Millisecond, 1100*time.Millisecond))
}

func (p *randomCase) pauseFor(d time.Duration) {
	if d > 500*time.Millisecond {
		p.wait(d)
		return
	}
	time.Sleep(d)
}

// wait waits, and adds frames to the recording that show the time.
func (p *randomCase) wait(d time.Duration) {
	for end := time.Now().Add(d); ; time.Sleep(min(250*time.Millisecond, time.Until(end))) {
		p.w.do(p.w.tick)
		if !time.Now().Before(end) {
			return
		}
	}
}

// forget removes a host's socket without sending anything.
func (p *randomCase) forget(side int) {
	s := p.sides[side]
	local := net.TCPAddrFromAddrPort(s.h.endpoint(s.port))
	foreign := net.TCPAddrFromAddrPort(s.h.peer.endpoint(p.sides[1-side].port))
	state := p.stateOf(side, s.h.sockets())
	if state == "CLOSED" {
		return
	}
	p.w.do(func() { p.w.settle(); p.w.muted[side] = true })
	p.did(side, "forget", "%s", state)
	s.h.nl.SocketDestroy(local, foreign)
	time.Sleep(time.Millisecond)
	p.w.do(func() { p.w.settle(); p.w.muted[side] = false })
}
