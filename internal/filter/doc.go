// Package filter compiles pcap-filter(7) expressions to classic BPF and runs
// classic BPF on packets, without libpcap: the same program runs on the frames
// of a file and is attached to a live socket.
//
//	text -lex-> tokens -parse-> conditions on values of the packet
//	     -graph-> decisions without those already made -emit, assemble-> instructions
//
// A program accepts the same packets as that of libpcap 1.10 for a saved file,
// and is hardly ever longer: a differential test compares the two over several
// hundred expressions and thousands of packets. That includes libpcap's limits:
// tcp[...], udp[...] and the like read IPv4 only, ports are not found behind
// IPv6 extension headers, and vlan, mpls and pppoes move the offsets of all
// that follows them.
//
// # What is refused
//
// Expressions outside the language are refused with a [SyntaxError]; use the
// output of `tcpdump -ddd EXPR` for those, which [ReadBPF] takes. tcpdump
// accepts and this package refuses:
//
//   - names that need a look-up: hosts, networks, /etc/ethers, and services and
//     protocols beyond the built-in tables (names.go);
//   - protochain, gateway, byte, geneve, llc, decnet addresses;
//   - the OSI family: iso, clnp, esis, isis and its PDU types (stp, ipx and
//     netbeui are understood, and so is ether proto with any number);
//   - 802.11 (addr1, type, subtype, dir, ...), ATM (lane, vpi, vci, ...), SS7
//     (sio, opc, ...), OpenBSD's pf (ifname, rnr, action, ...), radio;
//   - constant offsets that begin before the packet, such as ether[-1], which
//     the Linux kernel would read as its own metadata;
//   - link types other than those that [Compile] lists.
//
// tcpdump refuses and this package accepts a list in a parenthesis that itself
// begins with a parenthesis, `port 80 or ((443 or 53) or 22)`, and numbers
// divided by a field, which libpcap's optimizer takes for a division by zero.
//
// # Where libpcap accepts other packets
//
//   - In captures of link type NULL (BSD loopback) the address family is
//     accepted in either byte order: the sections of one file may differ in it.
//   - libpcap's optimizer takes X & 0xffffffff != 0 for always true.
//   - A packet is rejected where a program reads beyond its end. If parts of an
//     expression contradict each other (`tcp and udp or host A`), what is read
//     is up to the optimizer. In about one of 200 random expressions libpcap's
//     and this one differ there, for packets that end before the bytes asked
//     for. Nor do they find the same contradictions when they refuse an
//     expression that can match no packet.
//
// # In the kernel
//
// A filter that names vlan looks for 802.1Q tags in the packet's bytes. Linux
// takes the outer tag out of a frame before a socket filter sees it, so such a
// program must run on frames whose tag was put back; see [Program.VLAN].
// Programs for LINUX_SLL and LINUX_SLL2 read a header that is in files only; a
// packet socket's filter sees what the device delivers, or what follows that
// device's header.
package filter
