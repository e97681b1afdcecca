package pathsim

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A host is one end of one connection.
type host struct {
	*sim
	server    bool
	own       reassembly.Endpoint
	peer      *host
	stamps    bool
	stampBase uint32
	echo      uint32

	iss, una, nxt reassembly.Seq
	limit         reassembly.Seq // end of what the application wrote
	fin, finSent  bool
	open          bool
	rcv           reassembly.Seq
	held          map[reassembly.Seq]reassembly.Seq // out of order, first to end
	heldFIN       map[reassembly.Seq]bool
	dups          int
	recover       reassembly.Seq
	timer         int // number of the running timer
	backoff       int
	got           uint32 // payload of this exchange
	exchanges     int
	peerClosed    bool
	connection    int
	dead          bool
}

const (
	full     = 1400
	inFlight = 20
)

// connect opens the n-th connection.
func (s *sim) connect(n int) {
	c, v := &host{sim: s, connection: n}, &host{sim: s, server: true, connection: n}
	c.own, v.own = s.endpoints(n)
	for _, h := range []*host{c, v} {
		h.iss = reassembly.Seq(s.rng.Uint32())
		h.una, h.nxt, h.limit, h.recover = h.iss, h.iss, h.iss+1, h.iss
		h.stamps, h.stampBase = !s.NoStamp, s.rng.Uint32()
		h.held, h.heldFIN = map[reassembly.Seq]reassembly.Seq{}, map[reassembly.Seq]bool{}
	}
	c.peer, v.peer = v, c
	s.hosts = [2]*host{c, v}
	if n == 0 && s.Inject > 0 {
		s.after(s.Inject, func() {
			seg := reassembly.Segment{Seq: v.nxt, Ack: v.rcv, Flags: reassembly.RST | reassembly.ACK, Src: v.own, Dst: c.own, TTL: 111, Link: 11 + 1, IPID: 7777}
			s.sight(0, seg, nil, false, false)
			s.after(hostToTap, func() { c.dead = true })
		})
	}
	c.emit(c.iss, 0, reassembly.SYN)
	c.nxt = c.iss + 1
	c.arm()
}

// emit sends one segment.
func (h *host) emit(seq reassembly.Seq, length uint32, flags reassembly.Flags) {
	seg := reassembly.Segment{Seq: seq, Len: length, Flags: flags, Window: 60000}
	if flags&reassembly.ACK != 0 {
		seg.Ack = h.rcv
	}
	if flags&reassembly.SYN != 0 {
		seg.Opts = reassembly.Options{Has: reassembly.HasMSS | reassembly.HasScale | reassembly.HasSACKPermitted, MSS: 1460, Scale: 7}
	} else {
		seg.Window = 500
	}
	h.send(h, seg)
}

// arm starts the retransmission timer.
func (h *host) arm() {
	h.timer++
	own := h.timer
	rto := max(300*time.Millisecond, 3*(h.OneWay+h.Back)) << min(h.backoff, 6)
	h.after(rto, func() {
		if own != h.timer || h.una == h.nxt || h.backoff > 7 || h.dead {
			return
		}
		h.backoff++
		h.resend()
		h.recover = h.nxt
		h.arm()
	})
}

// resend sends the oldest segment again.
func (h *host) resend() {
	switch {
	case h.una == h.iss && h.server:
		h.emit(h.iss, 0, reassembly.SYN|reassembly.ACK)
	case h.una == h.iss:
		h.emit(h.iss, 0, reassembly.SYN)
	case h.una == h.limit && h.finSent:
		h.emit(h.una, 0, reassembly.FIN|reassembly.ACK)
	default:
		h.emit(h.una, min(full, uint32(h.una.To(h.limit))), reassembly.ACK|reassembly.PSH)
	}
}

// write gives the application's data to the connection.
func (h *host) write(n uint32) {
	h.limit += reassembly.Seq(n)
	h.output()
}

func (h *host) output() {
	if h.dead {
		return
	}
	sent := false
	for h.open && h.nxt != h.limit && h.nxt.Before(h.limit) && h.una.To(h.nxt) < inFlight*full {
		n := min(full, uint32(h.nxt.To(h.limit)))
		flags := reassembly.ACK
		if n < full {
			flags |= reassembly.PSH
		}
		h.emit(h.nxt, n, flags)
		h.nxt += reassembly.Seq(n)
		sent = true
	}
	if h.fin && !h.finSent && h.nxt == h.limit {
		h.emit(h.nxt, 0, reassembly.FIN|reassembly.ACK)
		h.nxt++
		h.finSent, sent = true, true
	}
	if sent {
		h.arm()
	}
}

// receive is a segment that arrived.
func (h *host) receive(seg *reassembly.Segment) {
	if h.dead {
		return
	}
	if h.stamps && seg.Seq.AtOrBefore(h.rcv) {
		h.echo = seg.Opts.TSVal
	}
	switch {
	case seg.Flags&reassembly.SYN != 0:
		h.rcv = seg.Seq + 1
		if h.server {
			if h.nxt == h.iss {
				h.nxt++
				h.emit(h.iss, 0, reassembly.SYN|reassembly.ACK)
				h.arm()
			} else if !h.open {
				h.resend()
			}
			return
		}
		if h.open {
			h.emit(h.nxt, 0, reassembly.ACK)
			return
		}
		h.una, h.open, h.backoff = h.iss+1, true, 0
		h.timer++
		h.emit(h.nxt, 0, reassembly.ACK)
		h.ask()
		return
	}
	h.acked(seg)
	h.data(seg)
}

func (h *host) acked(seg *reassembly.Segment) {
	if h.server && !h.open && h.una.Before(seg.Ack) {
		h.open = true
	}
	switch {
	case h.una.Before(seg.Ack) && seg.Ack.AtOrBefore(h.nxt):
		h.una, h.dups, h.backoff = seg.Ack, 0, 0
		if h.una.Before(h.recover) {
			h.resend()
		}
		h.arm()
		h.output()
	case seg.Ack == h.una && seg.Len == 0 && seg.Flags&reassembly.FIN == 0 && h.una != h.nxt && h.open:
		if h.dups++; h.dups == 3 && !h.una.Before(h.recover) {
			h.recover = h.nxt
			h.resend()
		}
	}
}

func (h *host) data(seg *reassembly.Segment) {
	if seg.SeqLen() == 0 {
		return
	}
	if h.rcv.Before(seg.End()) {
		h.held[seg.Seq] = seg.Seq + reassembly.Seq(seg.Len)
		if seg.Flags&reassembly.FIN != 0 {
			h.heldFIN[seg.Seq+reassembly.Seq(seg.Len)] = true
		}
	}
	before := h.rcv
	for moved := true; moved; {
		moved = false
		for from, end := range h.held {
			if from.AtOrBefore(h.rcv) {
				if h.rcv.Before(end) {
					h.rcv = end
				}
				delete(h.held, from)
				moved = true
			}
		}
	}
	h.got += uint32(before.To(h.rcv))
	closes := h.heldFIN[h.rcv] && !h.peerClosed
	if closes {
		h.rcv++
		h.peerClosed = true
	}
	h.emit(h.nxt, 0, reassembly.ACK)
	if before != h.rcv {
		h.application(closes)
	}
}

const request = 300

// ask is the client's next request, or its end.
func (h *host) ask() {
	if h.exchanges == h.Exchanges {
		h.fin = true
		h.output()
		return
	}
	h.exchanges++
	h.got = 0
	h.write(request)
}

func (h *host) application(closes bool) {
	switch {
	case closes && !h.finSent:
		h.fin = true
		h.output()
	case closes && h.connection+1 < h.Connections:
		h.after(20*time.Millisecond, func() { h.connect(h.connection + 1) })
	case h.server && h.got >= request:
		h.got -= request
		h.after(h.Think, func() { h.write(h.Answer) })
	case !h.server && h.got >= h.Answer:
		h.after(h.Think/4, h.ask)
	}
}
