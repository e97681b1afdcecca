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
	Name     string    `json:"testRun"`
	Moments  []*moment `json:"moments"`
	Set      []setting `json:"set,omitempty"`
	Findings []finding `json:"findings"` // what tcptrace must find, and nothing else
}

// A setting is a threshold that is lower than usual, so that a case need not take
// a minute.
type setting struct {
	Detector string  `json:"detector"`
	Param    string  `json:"param"`
	Value    float64 `json:"value"`
}

// A moment is a time at which both kernels were asked for their sockets, without
// CLOSED and LISTEN, which a tap cannot see.
type moment struct {
	At      time.Time `json:"at"`
	Sockets []entry   `json:"sockets"`
}

// An entry is a socket in a kernel's table, or one that was there.
type entry struct {
	Local   netip.AddrPort `json:"local"`
	Foreign netip.AddrPort `json:"foreign"`
	State   string         `json:"state"`
	Wire    *claim         `json:"wire,omitempty"`
}

// A claim is the state of a socket on the wire, if the kernel's is another.
type claim struct {
	State   string `json:"state"`
	Bounded bool   `json:"bounded"` // the kernel's state is good as well
	Why     string `json:"why"`
}

// A finding is what tcptrace finds, and the culprit.
type finding struct {
	Detector string     `json:"detector"`
	Outcome  string     `json:"outcome"`
	Culprit  netip.Addr `json:"culprit"`
}

// entry is the moment's entry of a socket, a new one with CLOSED if there is none.
func (m *moment) entry(local, foreign netip.AddrPort) *entry {
	for i := range m.Sockets {
		if s := &m.Sockets[i]; s.Local == local && s.Foreign == foreign {
			return s
		}
	}
	m.Sockets = append(m.Sockets, entry{Local: local, Foreign: foreign, State: "CLOSED"})
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
