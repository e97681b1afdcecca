// Package filter compiles pcap-filter(7) expressions to classic BPF and runs
// classic BPF on packets, without libpcap: the same program judges a file and
// is attached to a live socket.
//
// A packet for which a program gives a verdict gets libpcap's verdict (1.10,
// as tcpdump compiles for saved files): a differential test compares the two
// over several hundred expressions. The way is
//
//	text -lex-> tokens -parse-> syntax tree -gen-> conditions on packet values
//	     -graph-> decision graph, known tests removed -emit-> instructions
//
// # What is not understood
//
// Expressions outside the language are refused with a [SyntaxError]; the way
// out is `tcpdump -ddd EXPR`, whose output [ReadBPF] takes. tcpdump accepts
// and this package refuses:
//
//   - names that need a lookup: hosts, networks, /etc/ethers, and services and
//     protocols beyond the built-in tables (see names.go);
//   - protochain, gateway, byte, geneve, llc TYPE, decnet addresses;
//   - the OSI family: iso, clnp, esis, isis and its PDU types (stp, ipx and
//     netbeui are understood);
//   - 802.11 (wlan addr1, type, subtype, dir), ATM (lane, vpi, vci, ...),
//     SS7 (sio, opc, ...), OpenBSD pf (ifname, rnr, action, ...);
//   - constant offsets that begin before the packet, such as ether[-1], which
//     the Linux kernel would read as its own metadata;
//   - link types other than those that [Compile] lists.
//
// tcpdump refuses and this package accepts: a list in a parenthesis that
// itself begins with a parenthesis, as in `port 80 or ((443 or 53) or 22)`;
// and expressions that can never match where libpcap's optimizer finds that
// out and ours does not.
//
// The verdict differs on purpose in one place: in captures of link type NULL
// (BSD loopback) the address family is accepted in either byte order, because
// the sections of one pcapng file may differ in it.
//
// # In the kernel
//
// A filter that names vlan looks for 802.1Q tags in the packet's bytes. Linux
// takes the outer tag out of a frame before a socket filter sees it, so such
// a program must run on frames whose tag was put back; see [Program.VLAN].
package filter
