package report

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sorting"
	"github.com/tcptrace-go/tcptrace/internal/waits"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A hostRow is a server's endpoint, or a client's address, with what its connections
// waited for. Connections whose opener is unknown belong to no host.
type hostRow struct {
	end         reassembly.Endpoint // port 0 of a client
	server      bool
	connections uint64
	refused     uint64
	resets      uint64 // connections that ended with a RST, refused ones aside
	waits       detectors.Waits
	waited      int64 // waited(&waits), once all are added
	exchanges   waits.Exchanges
	connects    waits.Quantiles // how long the handshakes took
	packets     uint64
	bytes       uint64 // that it sent
	rexmits     uint64
	transferred uint64 // by its transfers
	transfers   int64  // how long they took, in nanoseconds
}

// role is the host's part in its connections.
func (h *hostRow) role() string {
	if h.server {
		return "server"
	}
	return "client"
}

// waited is how long others, or its users, waited for something in its connections.
func waited(w *detectors.Waits) int64 {
	return w.Sum() - w[detectors.Idle] - w[detectors.Close] - w[detectors.ClientApp]
}

// hosts are the servers and the clients of a report, in no order.
func hosts(r *result.Report) []*hostRow {
	type key struct {
		end    reassembly.Endpoint
		server bool
	}
	all := map[key]*hostRow{}
	var list []*hostRow
	var room []hostRow // for the next; one allocation each would take twice the instructions
	for i := range r.Flows {
		f := &r.Flows[i]
		if f.Time == nil || f.Initiator == result.InitiatorUnknown {
			continue
		}
		t := f.Time
		for side := range reassembly.Side(2) {
			k := key{f.End[side], side == reassembly.B}
			if !k.server {
				k.end.Port = 0
			}
			h := all[k]
			if h == nil {
				if len(room) == 0 {
					room = make([]hostRow, 64)
				}
				h, room = &room[0], room[1:]
				h.end, h.server = k.end, k.server
				all[k] = h
				list = append(list, h)
			}
			h.add(f, t, side)
		}
	}
	for _, h := range list {
		h.waited = waited(&h.waits)
	}
	return list
}

// order compares hosts: servers first, those that were waited for longest first. No two are the same.
func (h *hostRow) order(x *hostRow) int {
	switch {
	case h.server != x.server:
		if h.server {
			return -1
		}
		return 1
	case h.waited != x.waited:
		if h.waited > x.waited {
			return -1
		}
		return 1
	}
	return cmp.Or(bytes.Compare(h.end.Addr[:], x.end.Addr[:]), cmp.Compare(h.end.Port, x.end.Port))
}

// worstHosts are the first maxHostRows of them, by order.
func worstHosts(list []*hostRow) (worst []*hostRow) {
	for _, h := range list {
		full := len(worst) == maxHostRows
		if full && worst[maxHostRows-1].order(h) < 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(worst, h, (*hostRow).order)
		worst = sorting.Insert(worst, at, h)
		worst = worst[:min(len(worst), maxHostRows)]
	}
	return worst
}

// add adds a connection to the host that is its side.
func (h *hostRow) add(f *result.Flow, t *waits.Record, side reassembly.Side) {
	h.connections++
	switch f.Ending {
	case "refused":
		h.refused++
	case "reset":
		h.resets++
	}
	h.waits.Add(&t.Waits)
	h.exchanges.Responses.Merge(&t.Exchanges.Responses)
	h.exchanges.Unanswered += t.Exchanges.Unanswered
	h.exchanges.Pipelined += t.Exchanges.Pipelined
	if t.RTT[reassembly.A] != 0 && t.RTT[reassembly.B] != 0 {
		h.connects.Add(t.Waits[detectors.Connect])
	}
	h.packets += f.Packets[side]
	h.bytes += f.Bytes[side]
	h.rexmits += f.Rexmits[side]
	for i := range t.Transfers {
		if x := &t.Transfers[i]; x.From == side {
			h.transferred += x.Bytes
			h.transfers += x.Duration()
		}
	}
}
