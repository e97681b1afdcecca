// Package tracegen writes packet captures of known content: many TCP
// connections at once, each played out between two small TCP stacks and seen
// by a tap, as a classic pcap file.
//
// The tap stands at the door of a server farm: tens of microseconds from the
// servers, up to 100 ms from the clients. Loss strikes on the clients' side of
// it, so that a server's lost segment is seen twice and a client's leaves a
// hole before its retransmission.
//
//	client --- far leg, slow, may lose ---[tap]--- near leg --- server
//
// What is seen follows from what the stacks do: handshakes with the options of
// three operating systems, delayed ACKs, slow start, fast retransmission and
// retransmission timeout (RFC 6298, with Linux's 200 ms floor), SACK blocks
// (RFC 2018), window updates of slow readers, and closes of every order. IP
// and TCP checksums are correct, of cut frames too; payload is one byte value
// repeated.
//
// A Spec gives the same bytes every time, on one architecture. Nothing here is shared with the
// analyser, so that neither can hide the other's mistakes. Memory follows the
// open connections, not the frames.
package tracegen
