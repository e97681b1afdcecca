package resets

import (
	"time"

	"github.com/tcptrace-go/tcptrace/detectors"
	"github.com/tcptrace-go/tcptrace/detectors/middlebox"
	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// silences are what became of data that ended a silence of both sides.
type silences struct {
	data     reassembly.Mark       // that ended the latest; At is 0 once the peer has acknowledged it
	side     reassembly.Side       // that sent it
	lasted   time.Duration         // the latest
	survived time.Duration         // the longest after which the peer acknowledged such data
	told     *detectors.ICMPErrors // by others than the peer, about what its side sent since; nil if none came
}

// take notes data that ends a silence, its acknowledgment, and ICMP errors between.
func (s *silences) take(ev fsm.Event, v fsm.View) {
	switch waits := s.data.At != 0; {
	case ev.Kind == fsm.DataAfterIdle:
		s.data, s.side, s.lasted, s.told = reassembly.MarkOf(ev.Seg), ev.Side, v.Idle(), nil
	case !waits:
	case ev.Kind == fsm.ICMPError && ev.Side == s.side && !ev.Seg.TooBig() && ev.Seg.Reporter() != ev.Seg.Dst.Addr:
		if s.told == nil {
			s.told = new(detectors.ICMPErrors)
		}
		s.told.Add(ev.Seg)
	case ev.Kind == fsm.Sent && ev.Side != s.side && ev.Class != fsm.Rst && ev.Class != fsm.OutOfWindow &&
		ev.Seg.Flags.Has(reassembly.ACK) && !ev.Seg.Ack.Before(s.data.End()):
		s.survived = max(s.survived, s.lasted)
		s.data, s.told = reassembly.Mark{}, nil
	}
}

// outlasted reports whether the connection has survived about as long a silence before, and no
// idle timeout of a well-known middlebox lies between the two: then none of that length can
// have ended it.
func (c *resetCase) outlasted() bool {
	if c.silences.survived < time.Duration(c.idle())/10*9 {
		return false
	}
	between, _ := middlebox.Fit(int64(c.silences.survived), c.idle())
	return between == 0
}

// leastTimer is a time in which no front end lets an idle connection time out, in nanoseconds.
const leastTimer = int64(time.Second)

// timedOut reports whether the RST, alone, has just the numbers of a connection in which nothing was in flight, for a while: whatever sent
// it had followed the connection to its end, as a front end of the service does.
func (c *resetCase) timedOut() bool {
	return c.otherTTL() && c.brokeSilence() && c.idle() >= leastTimer && c.atNxt() && (c.bare() || c.rst.Ack == c.peer.stream.Nxt) && c.lost()+c.missing == 0 &&
		c.continued.At == 0 && c.more == 0 && !c.copiesID() && !c.copiesLast() && !c.peersID()
}

// toldMeanwhile is what ICMP errors said about the data that ended the silence before the RST, if
// any came: the path had failed, and whoever said so may have reset the connection, too.
func (c *resetCase) toldMeanwhile() *detectors.ICMPErrors {
	if s := &c.silences; s.data.At != 0 && s.side != c.side {
		return s.told
	}
	return nil
}
