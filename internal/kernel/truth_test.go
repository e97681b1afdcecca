package kernel

import (
	"encoding/json"
	"net/netip"
	"os"
	"testing"
	"time"
)

// A truth is what really happened while a recording was made.
type truth struct {
	System   string    `json:"system"` // "Linux 6.18.44"
	Story    string    `json:"story"`
	Moments  []*moment `json:"moments"`
	Set      []setting `json:"set,omitempty"`
	Findings []finding `json:"findings"` // what tcptrace must say of it, and nothing else
}

// A setting is a threshold that is lower than usual, so that a story need not
// wait for a minute.
type setting struct {
	Detector string  `json:"detector"`
	Param    string  `json:"param"`
	Value    float64 `json:"value"`
}

// A moment is a time at which both hosts' kernels were asked for their sockets.
// Those that are CLOSED or LISTEN are left out: a tap sees neither.
type moment struct {
	At      time.Time `json:"at"`
	Sockets []seat    `json:"sockets"`
}

// A seat is a socket in its kernel's table, or one that was there.
type seat struct {
	Local   netip.AddrPort `json:"local"`
	Foreign netip.AddrPort `json:"foreign"`
	State   string         `json:"state"`
	Wire    *claim         `json:"wire,omitempty"`
}

// A claim is what the wire shows of a socket where the kernel may know better.
type claim struct {
	State   string `json:"state"`
	Bounded bool   `json:"bounded"` // the kernel's state will do as well
	Why     string `json:"why"`
}

// A finding is what tcptrace says went wrong, and whose fault it says it was.
type finding struct {
	Detector string     `json:"detector"`
	Outcome  string     `json:"outcome"`
	Culprit  netip.Addr `json:"culprit"`
}

// seat is the moment's seat of a socket, made CLOSED if there is none.
func (m *moment) seat(local, foreign netip.AddrPort) *seat {
	for i := range m.Sockets {
		if s := &m.Sockets[i]; s.Local == local && s.Foreign == foreign {
			return s
		}
	}
	m.Sockets = append(m.Sockets, seat{Local: local, Foreign: foreign, State: "CLOSED"})
	return &m.Sockets[len(m.Sockets)-1]
}

func readTruth(t *testing.T, name string) *truth {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	tr := new(truth)
	if err := json.Unmarshal(text, tr); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return tr
}

func (tr *truth) write(t *testing.T, name string) {
	t.Helper()
	text, err := json.MarshalIndent(tr, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
