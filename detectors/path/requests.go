package path

import (
	"time"

	"github.com/tcptrace-go/tcptrace/reassembly"
)

// requests compare what a side sends with what its peer had asked for by then: pieces that are no more than the requests which came
// together may be an answer each.
type requests struct {
	n        uint32 // segments with PSH that the peer sent before the side's latest payload, since the payload before that
	answers  uint32 // payload of the side since
	together int    // waits between such pieces
	at       int64  // when the latest of these segments came
}

// apart is by how much the next request comes after one before it if its sender did not send them together.
const apart = 20 * time.Millisecond

// hears takes payload of the peer.
func (q *requests) hears(seg *reassembly.Segment) {
	if q.answers > 0 || seg.At-q.at > int64(apart) {
		q.n, q.answers = 0, 0
	}
	q.at = seg.At
	if seg.Flags&reassembly.PSH != 0 {
		q.n++
	}
}

// says takes payload of the side.
func (q *requests) says() { q.answers++ }

// waited takes payload that waited, and was taken by says.
func (q *requests) waited() {
	if q.answers >= 2 && q.answers <= q.n {
		q.together++
	}
}

// The cause and the action where most of what waited may be an answer of its own.
const (
	causeAnswers = "The sending application writes several small messages in a row: as many requests had come together as it then sent segments, so each may be an answer (or a piece of one). " +
		"Nagle's algorithm holds the second back until the first is acknowledged (RFC 9293 3.7.4), and the receiver delays that ACK so that it can go out with data (RFC 9293 3.8.6.3)."
	actionAnswers = "Switch Nagle off in the sending application (TCP_NODELAY), or have it write at once all answers that are ready (one buffer, writev, MSG_MORE). " +
		"If only the receiver can be changed: TCP_QUICKACK on Linux, TcpAckFrequency=1 on Windows."
)
