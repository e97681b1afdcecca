// Package engine runs an analysis: frames in, findings out.
//
//	reader ──> decode ──> batches of segments ──> judges (one goroutine each)
//	 (one goroutine)       to every judge           partition: flow table
//	                                                 └ flow: fsm.Conn, watches
//	                                                          │
//	        order, number, identify  <── findings, rows ──────┘
//
// Connections are dealt to a fixed number of partitions by a hash of their
// four-tuple, and partitions to judges: how many judges there are cannot show
// in the output. Bounds hold per partition for the same reason.
//
// The trace's clock is the only one. A connection's deadlines fire before its
// next segment is applied, and at its end; a finding is stamped with its
// deadline, not with when it was noticed.
package engine
