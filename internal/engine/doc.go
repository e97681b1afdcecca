// Package engine runs an analysis: frames in, findings out. It holds the only
// goroutines.
//
//	reader ──> decode ──> batches of segments ──> workers (one goroutine each)
//	 (one goroutine)       to every worker           partition.process
//	                                                   │
//	        order, number, identify  <── findings, rows ┘
//
// A segment goes one way, and only partition.process calls, in this order:
//
//	clock   the timers of half-closed connections that are due before the segment
//	flow    Find: which connection; is the frame a duplicate
//	watch   Expire: the connection's deadlines that are due before the segment
//	fsm     Step: what it proves
//	fsm     Bystand: what it means for others of the four-tuple; delivered to them
//	flow    MakeRoom, Add: a new connection; the one that leaves ends first
//	watch   Deliver: who wants to know
//	flow    Note: is the connection over
//
// Flow, fsm and watch do not call one another; flow and watch read the connection.
// A connection ends in one way, too: Expire, fsm's End, Deliver, watch's End.
//
// Connections are distributed to a fixed number of partitions by a hash of their
// four-tuple, and partitions to workers: how many workers there are cannot show in the
// output. Bounds hold per partition for the same reason. Live, Tuples and Split run the
// same partitions on other sources and for other readers.
//
// The trace's clock is the only one. A connection's deadlines pass before its next
// segment is applied, and at its end; a finding is stamped with its deadline, not with
// when it was noticed. They do not pass while only other connections have segments:
// there may be a gap in which nobody captured, and a deadline in it proves nothing.
package engine
