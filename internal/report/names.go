package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// Names is a spelling of the connection states.
type Names uint8

// The spellings that people know.
const (
	RFC     Names = iota // RFC 9293 3.3.2, with underscores
	Netstat              // Linux net-tools
	SS                   // Linux iproute2
	KB                   // KB Q137984
)

var namesWords = [...]string{RFC: "rfc", Netstat: "netstat", SS: "ss", KB: "kb"}

// stateSpellings are those that differ from the RFC. Q137984 has none for CLOSING.
var stateSpellings = [...]map[fsm.State]string{
	RFC: {},
	Netstat: {
		fsm.Closed: "CLOSE", fsm.SynReceived: "SYN_RECV", fsm.FinWait1: "FIN_WAIT1", fsm.FinWait2: "FIN_WAIT2",
	},
	SS: {
		fsm.Closed: "UNCONN", fsm.SynSent: "SYN-SENT", fsm.SynReceived: "SYN-RECV", fsm.Established: "ESTAB",
		fsm.FinWait1: "FIN-WAIT-1", fsm.FinWait2: "FIN-WAIT-2", fsm.CloseWait: "CLOSE-WAIT",
		fsm.LastAck: "LAST-ACK", fsm.TimeWait: "TIME-WAIT",
	},
	KB: {fsm.SynSent: "SYN_SEND", fsm.TimeWait: "TIMED_WAIT"},
}

// ParseNames reads the value of --names.
func ParseNames(word string) (Names, error) {
	if n := slices.Index(namesWords[:], word); n >= 0 {
		return Names(n), nil
	}
	return RFC, fmt.Errorf("state names %q: want one of %s", word, strings.Join(namesWords[:], ", "))
}

// String is the word that ParseNames reads.
func (n Names) String() string { return namesWords[n] }

// State spells one state.
func (n Names) State(s fsm.State) string {
	if w, ok := stateSpellings[n][s]; ok {
		return w
	}
	return s.String()
}

// bounded spells a state, with ~ if the capture proves only that the end got at
// most this far.
func (n Names) bounded(s fsm.State, bounded bool) string {
	if bounded {
		return n.State(s) + "~"
	}
	return n.State(s)
}

var word = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[0-9A-Za-z_]+`) })

// respell rewrites the states inside a detector's sentence, which names them as
// the RFC does.
func (n Names) respell(sentence string) string {
	if n == RFC {
		return sentence
	}
	return word().ReplaceAllStringFunc(sentence, func(w string) string {
		for s, spelled := range stateSpellings[n] {
			if s.String() == w {
				return spelled
			}
		}
		return w
	})
}
