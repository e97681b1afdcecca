package report

import (
	"fmt"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
)

// Names is a spelling of the connection states.
type Names uint8

// The four spellings that people know.
const (
	RFC     Names = iota // RFC 9293 3.3.2, with underscores
	Netstat              // Linux net-tools
	SS                   // Linux iproute2
	KB                   // KB Q137984
)

var namesWords = [...]string{RFC: "rfc", Netstat: "netstat", SS: "ss", KB: "kb"}

// The three that differ from the RFC. Q137984 has no word for CLOSING.
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
	for n, w := range namesWords {
		if w == word {
			return Names(n), nil
		}
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

// respell rewrites the states inside a detector's sentence, which names them as
// the RFC does.
func (n Names) respell(sentence string) string {
	if n == RFC {
		return sentence
	}
	var b strings.Builder
	for sentence != "" {
		word := stateWord(sentence)
		if word == 0 {
			b.WriteByte(sentence[0])
			sentence = sentence[1:]
			continue
		}
		b.WriteString(n.word(sentence[:word]))
		sentence = sentence[word:]
	}
	return b.String()
}

// stateWord is the length of the run of name characters that s begins with.
func stateWord(s string) int {
	end := strings.IndexFunc(s, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if end < 0 {
		return len(s)
	}
	return end
}

// word spells a word if it is a state.
func (n Names) word(w string) string {
	for s, spelled := range stateSpellings[n] {
		if s.String() == w {
			return spelled
		}
	}
	return w
}
