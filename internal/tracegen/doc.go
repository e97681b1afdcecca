// Package tracegen writes packet captures of known content as classic pcap files:
// many concurrent TCP connections, each simulated with two small TCP stacks and
// captured by a tap.
//
// The tap is close to the servers: tens of microseconds from them, and up to 100
// ms from the clients. Segments are lost on the clients' side of it, so that a
// lost segment of a server is captured twice, and one of a client leaves a hole
// before its retransmission.
//
//	client --- far link, slow, lossy ---[tap]--- near link --- server
//
// The stacks do handshakes with the options of three operating systems, delayed
// ACKs, slow start, fast retransmission and retransmission timeout (RFC 6298, with
// Linux's minimum of 200 ms), SACK blocks (RFC 2018), window updates of slow
// readers, and closes in every order. IP and TCP checksums are correct, also in
// cut frames. All bytes of the payload are equal.
//
// A Spec gives the same bytes every time on one architecture. This package shares
// no code with the analyser, so that neither can hide mistakes of the other.
// Memory depends on the open connections, not on the frames.
package tracegen
