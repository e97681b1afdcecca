// Package textcap reads traces as people paste them: what tcpdump, tshark and
// others print.
//
//	lines -> packet (of one printer) -> clock, numbers -> Frame
//
// A text is read line by line. Lines that belong to no packet, such as prose, are
// passed over. The lines of one packet are put together before they are parsed,
// because tcpdump prints several, and mail wraps them. Printers show sequence
// numbers relative to what they saw first; numbers undoes that as they do it.
// Then a frame is rebuilt from what the text says, with a note of what it does
// not say.
package textcap
