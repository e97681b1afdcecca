package detectors

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// A Wait is what had to happen before a connection could go on. Every moment of a
// connection belongs to exactly one.
type Wait uint8

// The waits, in the order of reports.
const (
	Connect        Wait = iota // the handshake, or a refusal
	ClientApp                  // the application of the side that opened the connection had nothing to send
	ServerApp                  // the other side's application had nothing to send
	Network                    // segments were on their way
	Loss                       // data was sent again, beyond one round trip
	ReceiverWindow             // the sender had more to send, and the window that it was offered was full
	SenderWindow               // the sender had more to send and the window had room, but it sent only as ACKs came
	DelayedAck                 // an ACK was held, and the next segment went on that ACK
	Idle                       // everything was delivered, and no payload ended the pause
	Close                      // from the first FIN or RST on, while no payload moved
	PeerSilent                 // an answer that did not come
	UnknownWait                // the capture cannot tell
	NumWaits
)

var waitNames = [NumWaits]string{
	"connect", "client-app", "server-app", "network", "loss", "receiver-window", "sender-window", "delayed-ack",
	"idle", "close", "peer-silent", "unknown",
}

// String is the wait's name in reports: "receiver-window".
func (w Wait) String() string { return waitNames[w] }

// Waits are how long each wait took, in nanoseconds.
type Waits [NumWaits]int64

// Sum is the duration that the waits add up to, in nanoseconds.
func (w *Waits) Sum() (ns int64) {
	for _, t := range w {
		ns += t
	}
	return ns
}

// Longest is the wait that took most of the time: the first of these, if several did.
func (w *Waits) Longest() Wait {
	most := Wait(0)
	for i := range w {
		if w[i] > w[most] {
			most = Wait(i)
		}
	}
	return most
}

// Add adds the waits of v.
func (w *Waits) Add(v *Waits) {
	for i := range w {
		w[i] += v[i]
	}
}

// An Exchange is a request of the client, and the server's answer to it.
type Exchange struct {
	Request   reassembly.Mark // the last segment of the request
	Answer    reassembly.Mark // the first segment of the answer; At is 0 if none came
	Response  int64           // nanoseconds from the end of the request to the answer, less the round trip between tap and server; no longer than from 250 ms before the server acknowledged the request
	Told      int64           // when it was known to be over, in trace time
	Bytes     uint64          // payload of the answer
	Pipelined bool            // another request was sent before the answer
	Acked     bool            // the server acknowledged the request before it answered
	Relayed   int64           // as of [Transfer]
	Invisible bool            // a pause of the server's by now may have been loss before the tap, whose signs the capture does not have
	GaveUp    bool            // none came, and the client closed or reset the connection
	Reply     bool            // the request came right after payload of the server, to port 443, and has the size of an acknowledgment of HTTP/2 (SETTINGS, PING) in a TLS record
	Resumed   bool            // that was the end of it: the request itself came before what the server said
	Asked     uint32          // payload of the request
	Alike     bool            // a request of as many bytes was answered promptly before
	AtOnce    bool            // the request began as soon as payload of the server had arrived
	Greeted   bool            // the server spoke first on the connection
	Acks      bool            // each segment of it came so soon, and is no longer than an acknowledgment of a message within TLS

	// Of the connection so far, this exchange included.
	Answers uint32        // requests that were answered
	Prompt  uint32        // of these, answered within PromptAnswer
	Mean    time.Duration // of the prompt ones
	Pushes  uint32        // times that one side spoke out of turn: the server after a pause without a request, the client after a pause without an answer
}

// PromptAnswer is how long an answer takes that nobody waits for.
const PromptAnswer = 250 * time.Millisecond
